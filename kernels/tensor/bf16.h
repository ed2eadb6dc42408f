#pragma once
// bfloat16 as bits: the upper half of a float32. Inline and without branches, so that loops over
// many values become vectors; one value at a time goes through dtype.h.

#include <bit>
#include <cstdint>

namespace kinora::kernels {

// Rounded to nearest even; NaN stays NaN.
inline uint16_t roundToBf16(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    const bool isNan = (bits & 0x7fffffffu) > 0x7f800000u;
    return static_cast<uint16_t>(isNan ? (bits >> 16 | 0x40u) : rounded);
}

inline float widenBf16(uint16_t bits) {
    return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

} // namespace kinora::kernels
