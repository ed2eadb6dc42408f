#include "core/media/codec/codec_table.h"

#include "core/media/codec/guard.h"

#include <OpenImageIO/imageio.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace kinora::core::codec {

void setMessage(Message* message, std::string_view text) {
    // OIIO's messages may be several lines.
    const std::string_view line = text.substr(0, text.find('\n'));
    const size_t size = std::min(line.size(), sizeof message->text - 1);
    std::memcpy(message->text, line.data(), size);
    message->text[size] = '\0';
}

Bytes copied(const void* data, size_t size) {
    auto* memory = static_cast<uint8_t*>(std::malloc(std::max<size_t>(size, 1)));
    if (!memory) throw std::bad_alloc();
    if (size > 0) std::memcpy(memory, data, size);
    return {memory, size};
}

void quieten() {
    static const bool done = OIIO::attribute("debug", 0) && OIIO::attribute("threads", 1);
    (void)done;
}

} // namespace kinora::core::codec

extern "C" __attribute__((visibility("default"))) const kinora::core::codec::CodecTable*
kinoraCodecs() {
    using namespace kinora::core::codec;
    static const CodecTable table{
        .version = kVersion,
        .encode = encode,
        .decode = decode,
        .readHeader = readHeader,
        .embed = embed,
        .readExif = readExif,
        .release = [](uint8_t* data) { std::free(data); },
    };
    return &table;
}
