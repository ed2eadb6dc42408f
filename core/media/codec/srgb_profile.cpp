#include "core/media/codec/srgb_profile.h"

#include <array>
#include <cmath>
#include <string_view>

namespace kinora::core::codec {

namespace {

using Bytes = std::vector<uint8_t>;

void put(Bytes& out, std::string_view text) {
    for (const char c : text) out.push_back(static_cast<uint8_t>(c));
}

void putNumber(Bytes& out, uint32_t value) {
    for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<uint8_t>(value >> shift));
}

void putFixed(Bytes& out, double value) { // s15Fixed16Number
    putNumber(out, static_cast<uint32_t>(static_cast<int32_t>(std::lround(value * 65536))));
}

Bytes text(std::string_view ascii) { // multiLocalizedUnicodeType, one record
    Bytes out;
    put(out, "mluc");
    for (const uint32_t value : {0U, 1U, 12U}) putNumber(out, value);
    put(out, "enUS");
    putNumber(out, static_cast<uint32_t>(ascii.size() * 2));
    putNumber(out, 28);
    for (const char c : ascii) {
        out.push_back(0);
        out.push_back(static_cast<uint8_t>(c));
    }
    return out;
}

Bytes xyz(std::array<double, 3> values) {
    Bytes out;
    put(out, "XYZ ");
    putNumber(out, 0);
    for (const double value : values) putFixed(out, value);
    return out;
}

Bytes curve() { // parametricCurveType 3: (a x + b)^g above d, c x below
    Bytes out;
    put(out, "para");
    putNumber(out, 0);
    putNumber(out, 3U << 16);
    for (const double value : {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}) {
        putFixed(out, value);
    }
    return out;
}

struct Tag {
    std::string_view name;
    size_t data; // which of the data blocks
};

} // namespace

std::vector<uint8_t> srgbProfile() {
    // Primaries adapted to D50 by Bradford's method.
    const std::array<Bytes, 7> data = {
        text("sRGB"),
        text("No copyright, use freely"),
        xyz({0.96420, 1.0, 0.82491}),
        xyz({0.43607, 0.22249, 0.01392}),
        xyz({0.38515, 0.71687, 0.09708}),
        xyz({0.14307, 0.06061, 0.71410}),
        curve(),
    };
    constexpr std::array<Tag, 9> tags = {{{"desc", 0},
                                          {"cprt", 1},
                                          {"wtpt", 2},
                                          {"rXYZ", 3},
                                          {"gXYZ", 4},
                                          {"bXYZ", 5},
                                          {"rTRC", 6},
                                          {"gTRC", 6},
                                          {"bTRC", 6}}};
    constexpr size_t headerBytes = 128;
    std::array<size_t, data.size()> offsets{};
    size_t end = headerBytes + 4 + tags.size() * 12;
    for (size_t i = 0; i < data.size(); ++i) {
        offsets[i] = end;
        end += (data[i].size() + 3) / 4 * 4;
    }

    Bytes out;
    putNumber(out, static_cast<uint32_t>(end));
    putNumber(out, 0);
    putNumber(out, 0x04000000);
    put(out, "mntrRGB XYZ ");
    for (const int part : {2026, 1, 1, 0, 0, 0}) { // a fixed day: files hold no clock
        out.push_back(static_cast<uint8_t>(part >> 8));
        out.push_back(static_cast<uint8_t>(part));
    }
    put(out, "acsp");
    out.resize(68); // platform, flags, device: none; intent: perceptual
    for (const double value : {0.9642, 1.0, 0.8249}) putFixed(out, value);
    out.resize(headerBytes);
    putNumber(out, static_cast<uint32_t>(tags.size()));
    for (const Tag& tag : tags) {
        put(out, tag.name);
        putNumber(out, static_cast<uint32_t>(offsets[tag.data]));
        putNumber(out, static_cast<uint32_t>(data[tag.data].size()));
    }
    for (const Bytes& block : data) {
        out.insert(out.end(), block.begin(), block.end());
        out.resize((out.size() + 3) / 4 * 4);
    }
    return out;
}

} // namespace kinora::core::codec
