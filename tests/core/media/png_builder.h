#pragma once
// PNG files chunk by chunk, right or wrong, for tests.

#include <QByteArray>

#include <cstdint>
#include <string>

namespace kinora::core::samples {

inline std::string nul() {
    return std::string(1, '\0');
}

inline std::string bigEndian(uint32_t value) {
    std::string out;
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(value >> shift);
    return out;
}

// Bit by bit, apart from the code under test.
inline uint32_t crc32(const std::string& bytes) {
    uint32_t crc = 0xFFFFFFFF;
    for (const char c : bytes) {
        crc ^= static_cast<uint8_t>(c);
        for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    return ~crc;
}

inline std::string chunk(const std::string& type, const std::string& data) {
    return bigEndian(static_cast<uint32_t>(data.size())) + type + data +
           bigEndian(crc32(type + data));
}

// A zlib stream.
inline std::string deflated(const std::string& text) {
    const QByteArray packed =
        qCompress(QByteArray(text.data(), static_cast<qsizetype>(text.size())), 9);
    return packed.mid(4).toStdString(); // without Qt's length in front
}

inline std::string pngSignature() {
    return "\x89PNG\r\n\x1A\n";
}

inline std::string pngHead(int width, int height) {
    const std::string rest("\x08\x02\x00\x00\x00", 5); // 8 bits, RGB
    return pngSignature() + chunk("IHDR", bigEndian(static_cast<uint32_t>(width)) +
                                              bigEndian(static_cast<uint32_t>(height)) + rest);
}

// Picture data that nobody decodes.
inline std::string pngPicture() {
    return chunk("IDAT", deflated("pixels"));
}
inline std::string pngEnd() {
    return chunk("IEND", "");
}

inline std::string pngWithText(const std::string& key, const std::string& utf8) {
    return pngHead(8, 8) + chunk("iTXt", key + std::string(5, '\0') + utf8) + pngPicture() +
           pngEnd();
}

} // namespace kinora::core::samples
