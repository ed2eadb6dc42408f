#include "core/media/png_text.h"

#include "core/media/text_encoding.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <zlib.h>

namespace kinora::core {

namespace {

constexpr std::array<uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
constexpr int kMaximumChunks = 1'000'000;
constexpr size_t kMaximumTexts = 256;
constexpr size_t kMaximumTextBytes = 16U << 20;
constexpr size_t kMaximumTotalBytes = 64U << 20;
constexpr uint32_t kMaximumLength = 0x7FFFFFFF; // what the format allows
constexpr uint64_t kChunkOverhead = 12;         // length, type, checksum

uint32_t bigEndian(const std::byte* bytes) {
    return std::to_integer<uint32_t>(bytes[0]) << 24 | std::to_integer<uint32_t>(bytes[1]) << 16 |
           std::to_integer<uint32_t>(bytes[2]) << 8 | std::to_integer<uint32_t>(bytes[3]);
}

uint32_t checksum(std::span<const std::byte> typeAndData) {
    return static_cast<uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(typeAndData.data()), typeAndData.size()));
}

std::string_view asText(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Chunk {
    uint64_t offset = 0; // of its length field
    uint32_t length = 0; // of its data
    std::string type;
    uint64_t end() const { return offset + length + kChunkOverhead; }
};

Error damaged(const std::string& what) {
    return Error(ErrorCode::BadFile, "PNG: " + what,
                 "The file is damaged or was cut short; get it again.");
}

Result<Chunk> chunkAt(const ByteSource& source, uint64_t offset) {
    std::array<std::byte, 8> head;
    if (offset + kChunkOverhead > source.size || !source.read(offset, head)) {
        return damaged("the file ends at byte " + std::to_string(source.size) +
                       ", before its last chunk.");
    }
    Chunk chunk{offset, bigEndian(head.data()), std::string(asText(head).substr(4))};
    const bool letters = std::ranges::all_of(
        chunk.type, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
    if (!letters || chunk.length > kMaximumLength) {
        return damaged("there is no valid chunk at byte " + std::to_string(offset) + ".");
    }
    if (chunk.end() > source.size) {
        return damaged("its " + chunk.type + " chunk at byte " + std::to_string(offset) +
                       " claims " + std::to_string(chunk.length) + " bytes, more than there are.");
    }
    return chunk;
}

// The data of a chunk; nothing where the checksum is wrong.
std::optional<std::vector<std::byte>> dataOf(const ByteSource& source, const Chunk& chunk) {
    std::vector<std::byte> bytes(chunk.length + 8U); // type, data, checksum
    if (!source.read(chunk.offset + 4, bytes)) return std::nullopt;
    const std::span<const std::byte> all(bytes);
    if (checksum(all.first(chunk.length + 4U)) != bigEndian(&bytes[chunk.length + 4U])) {
        return std::nullopt;
    }
    return std::vector<std::byte>(bytes.begin() + 4, bytes.end() - 4);
}

// Nothing where the stream is malformed or longer than `most`.
std::optional<std::string> inflated(std::string_view compressed, size_t most) {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return std::nullopt;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    std::string out;
    std::array<char, 16384> block;
    int status = Z_OK;
    while (status == Z_OK && out.size() <= most) {
        stream.next_out = reinterpret_cast<Bytef*>(block.data());
        stream.avail_out = static_cast<uInt>(block.size());
        status = inflate(&stream, Z_NO_FLUSH);
        out.append(block.data(), block.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    if (status != Z_STREAM_END || out.size() > most) return std::nullopt;
    return out;
}

// Splits at the first NUL: the part before it, and `rest` moved behind it.
std::optional<std::string_view> upToNul(std::string_view& rest) {
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return part;
}

std::optional<PngText> parsedText(const std::string& type, std::string_view data, size_t most) {
    const std::optional<std::string_view> key = upToNul(data);
    if (!key || key->empty() || key->size() > 79) return std::nullopt;
    std::optional<std::string> text;
    if (type == "tEXt") {
        text = std::string(data);
    } else if (type == "zTXt") {
        if (data.empty() || data[0] != 0) return std::nullopt;
        text = inflated(data.substr(1), most);
    } else {
        if (data.size() < 2 || data[0] > 1 || (data[0] == 1 && data[1] != 0)) return std::nullopt;
        const bool compressed = data[0] == 1;
        data.remove_prefix(2);
        if (!upToNul(data) || !upToNul(data)) return std::nullopt; // language, translated key
        text = compressed ? inflated(data, most) : std::string(data);
    }
    if (!text || text->size() > most) return std::nullopt;
    // Some programs put UTF-8 into tEXt, against the format: taken as what it says.
    return PngText{latin1ToUtf8(*key), type == "iTXt" ? repairedUtf8(*text) : utf8OrLatin1(*text)};
}

class TextReader {
  public:
    explicit TextReader(PngSummary& summary) : m_summary(summary) {}

    void add(const ByteSource& source, const Chunk& chunk) {
        const std::string where = chunk.type + " chunk at byte " + std::to_string(chunk.offset);
        if (m_summary.texts.size() + m_summary.problems.size() >= kMaximumTexts) return;
        const size_t most = std::min(kMaximumTextBytes, kMaximumTotalBytes - m_total);
        if (chunk.length > most) {
            m_summary.problems.push_back(where + ": too long");
            return;
        }
        const std::optional<std::vector<std::byte>> data = dataOf(source, chunk);
        if (!data) {
            m_summary.problems.push_back(where + ": wrong checksum");
            return;
        }
        std::optional<PngText> text = parsedText(chunk.type, asText(*data), most);
        if (!text) {
            m_summary.problems.push_back(where + ": malformed, or too long when unpacked");
            return;
        }
        m_total += text->text.size();
        m_summary.texts.push_back(std::move(*text));
    }

  private:
    PngSummary& m_summary;
    size_t m_total = 0;
};

bool isText(const std::string& type) {
    return type == "tEXt" || type == "zTXt" || type == "iTXt";
}

// 0 for a pair that the format does not know.
int bitsPerPixel(int depth, int colorType) {
    const bool whole = depth == 8 || depth == 16;
    const bool packed = depth == 1 || depth == 2 || depth == 4;
    switch (colorType) {
    case 0: return whole || packed ? depth : 0;
    case 2: return whole ? 3 * depth : 0;
    case 3: return depth == 8 || packed ? depth : 0;
    case 4: return whole ? 2 * depth : 0;
    case 6: return whole ? 4 * depth : 0;
    default: return 0;
    }
}

// Whether so many packed bytes can unpack to all the pixels.
bool canHold(uint64_t packedBytes, double pixelBytes) {
    constexpr double kMostRatio = 1032; // of deflate (zlib's technical notes)
    return static_cast<double>(packedBytes) * kMostRatio >= pixelBytes;
}

// Width and height from IHDR.
Result<PngSummary> readHeader(const ByteSource& source) {
    std::array<std::byte, 8> signature;
    if (source.size < signature.size() || !source.read(0, signature) ||
        std::memcmp(signature.data(), kSignature.data(), kSignature.size()) != 0) {
        return Error(ErrorCode::BadFile, "The file is not a PNG.");
    }
    Result<Chunk> header = chunkAt(source, kSignature.size());
    if (!header) return header.error();
    if (header->type != "IHDR" || header->length != 13) return damaged("it has no header.");
    const std::optional<std::vector<std::byte>> data = dataOf(source, *header);
    if (!data) return damaged("its header has a wrong checksum.");
    const uint32_t width = bigEndian(data->data());
    const uint32_t height = bigEndian(data->data() + 4);
    const int bits =
        bitsPerPixel(std::to_integer<int>((*data)[8]), std::to_integer<int>((*data)[9]));
    if (width == 0 || height == 0 || width > kMaximumLength || height > kMaximumLength) {
        return damaged("its header says " + std::to_string(width) + " x " + std::to_string(height) +
                       " pixels.");
    }
    if (bits == 0) return damaged("its header names a kind of pixels that there is not.");
    PngSummary summary;
    summary.width = static_cast<int>(width);
    summary.height = static_cast<int>(height);
    summary.pixelBytes = double(width) * double(height) * bits / 8;
    return summary;
}

void appendChunk(std::vector<std::byte>& out, std::string_view type, std::string_view data) {
    const auto put = [&out](uint32_t value) {
        for (const int shift : {24, 16, 8, 0}) out.push_back(std::byte((value >> shift) & 0xFF));
    };
    put(static_cast<uint32_t>(data.size()));
    const size_t start = out.size();
    for (const std::string_view part : {type, data}) {
        const auto bytes = std::as_bytes(std::span(part.data(), part.size()));
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    put(checksum(std::span<const std::byte>(out).subspan(start)));
}

void appendText(std::vector<std::byte>& out, const PngText& text) {
    using namespace std::string_literals;
    const std::string key = utf8ToLatin1(text.key).value_or("text").substr(0, 79);
    const std::optional<std::string> latin1 = utf8ToLatin1(text.text);
    // tEXt knows no control characters but the line feed.
    const bool plain =
        latin1 && key != "XML:com.adobe.xmp" && std::ranges::all_of(*latin1, [](char c) {
            const auto byte = static_cast<uint8_t>(c);
            return c == '\n' || (byte >= 0x20 && (byte < 0x7F || byte >= 0xA0));
        });
    if (plain) {
        appendChunk(out, "tEXt", key + '\0' + *latin1);
    } else {
        appendChunk(out, "iTXt", key + "\0\0\0\0\0"s + repairedUtf8(text.text));
    }
}

} // namespace

ByteSource memorySource(std::span<const std::byte> bytes) {
    return {bytes.size(), [bytes](uint64_t offset, std::span<std::byte> out) {
                if (offset > bytes.size() || out.size() > bytes.size() - offset) return false;
                std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(offset), out.size(),
                            out.begin());
                return true;
            }};
}

Result<PngSummary> readPng(const ByteSource& source) {
    Result<PngSummary> summary = readHeader(source);
    if (!summary) return summary;
    TextReader reader(*summary);
    bool hasPicture = false;
    uint64_t packedBytes = 0;
    uint64_t offset = kSignature.size();
    for (int count = 0; count < kMaximumChunks; ++count) {
        Result<Chunk> chunk = chunkAt(source, offset);
        if (!chunk) return chunk.error();
        if (isText(chunk->type)) reader.add(source, *chunk);
        if (chunk->type == "IDAT") {
            hasPicture = true;
            packedBytes += chunk->length;
        }
        if (chunk->type == "IEND") {
            if (!hasPicture) return damaged("it holds no picture data.");
            if (!canHold(packedBytes, summary->pixelBytes)) {
                return damaged("its header says " + std::to_string(summary->width) + " x " +
                               std::to_string(summary->height) + " pixels, and " +
                               std::to_string(packedBytes) + " bytes cannot hold so many.");
            }
            return summary;
        }
        offset = chunk->end();
    }
    return damaged("it has more than " + std::to_string(kMaximumChunks) + " chunks.");
}

Result<std::vector<std::byte>> withPngTexts(std::span<const std::byte> png,
                                            std::span<const PngText> texts) {
    const ByteSource source = memorySource(png);
    Result<PngSummary> summary = readHeader(source);
    if (!summary) return summary.error();
    std::vector<std::byte> out(png.begin(), png.begin() + kSignature.size());
    bool written = false;
    for (uint64_t offset = kSignature.size();;) {
        Result<Chunk> chunk = chunkAt(source, offset);
        if (!chunk) return chunk.error();
        offset = chunk->end();
        // An upper-case first letter marks what a decoder cannot do without.
        const bool critical = chunk->type[0] < 'a';
        constexpr std::array kept = {"sRGB", "gAMA", "cHRM", "iCCP", "sBIT", "tRNS", "cICP"};
        if (!critical && std::ranges::find(kept, chunk->type) == kept.end()) continue;
        if (!written && (chunk->type == "IDAT" || chunk->type == "IEND")) {
            for (const PngText& text : texts) appendText(out, text);
            written = true;
        }
        out.insert(out.end(), png.begin() + static_cast<ptrdiff_t>(chunk->offset),
                   png.begin() + static_cast<ptrdiff_t>(chunk->end()));
        if (chunk->type == "IEND") return out;
    }
}

} // namespace kinora::core
