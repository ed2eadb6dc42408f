#include "core/media/codec/webp_container.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace kinora::core::codec {

namespace {

constexpr size_t kHeaderBytes = 12; // "RIFF", size, "WEBP"

uint32_t littleEndian(const uint8_t* bytes) {
    return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
           static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

// The whole chunk of that name, head and padding too; empty where there is none.
std::span<const uint8_t> chunk(std::span<const uint8_t> file, std::string_view name) {
    size_t at = kHeaderBytes;
    while (at + 8 <= file.size()) {
        const size_t size = littleEndian(&file[at + 4]);
        const size_t whole = std::min(8 + size + size % 2, file.size() - at);
        if (std::memcmp(&file[at], name.data(), 4) == 0) return file.subspan(at, whole);
        at += whole;
    }
    return {};
}

} // namespace

std::vector<uint8_t> joinedWebp(std::span<const uint8_t> colour, std::span<const uint8_t> alpha) {
    const std::span<const uint8_t> parts[] = {chunk(alpha, "VP8X"), chunk(alpha, "ALPH"),
                                              chunk(colour, "VP8 ")};
    std::vector<uint8_t> file(colour.begin(), colour.end());
    if (std::ranges::any_of(parts, [](const auto& part) { return part.empty(); })) return file;
    file.resize(kHeaderBytes);
    for (const std::span<const uint8_t> part : parts) {
        file.insert(file.end(), part.begin(), part.end());
    }
    const size_t size = file.size() - 8;
    for (size_t i = 0; i < 4; ++i) file[4 + i] = static_cast<uint8_t>(size >> (8 * i));
    return file;
}

} // namespace kinora::core::codec
