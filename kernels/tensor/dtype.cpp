#include "kernels/tensor/dtype.h"

#include "kernels/tensor/bf16.h"

#include <bit>
#include <cmath>
#include <limits>

namespace kinora::kernels {

size_t sizeBytes(DType dtype) {
    switch (dtype) {
    case DType::F64:
    case DType::I64: return 8;
    case DType::F32:
    case DType::I32: return 4;
    case DType::BF16:
    case DType::F16:
    case DType::I16: return 2;
    case DType::F8E4M3:
    case DType::F8E5M2:
    case DType::I8:
    case DType::U8:
    case DType::Bool: return 1;
    }
    return 1;
}

std::string_view dtypeName(DType dtype) {
    switch (dtype) {
    case DType::F32: return "f32";
    case DType::BF16: return "bf16";
    case DType::F16: return "f16";
    case DType::F64: return "f64";
    case DType::F8E4M3: return "f8_e4m3";
    case DType::F8E5M2: return "f8_e5m2";
    case DType::I64: return "i64";
    case DType::I32: return "i32";
    case DType::I16: return "i16";
    case DType::I8: return "i8";
    case DType::U8: return "u8";
    case DType::Bool: return "bool";
    }
    return "?";
}

uint16_t floatToBf16(float value) {
    return roundToBf16(value);
}

float bf16ToFloat(uint16_t bits) {
    return widenBf16(bits);
}

uint16_t floatToF16(float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return sign | 0x7e00;
    if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds past 65504
    if (magnitude < 0x38800000) {                      // subnormal half: a multiple of 2^-24
        const float scaled = std::bit_cast<float>(magnitude) * 16777216.0f;
        return sign | static_cast<uint16_t>(std::nearbyintf(scaled));
    }
    const uint32_t rebased = magnitude - 0x38000000;
    return sign | static_cast<uint16_t>((rebased + 0xfff + ((rebased >> 13) & 1)) >> 13);
}

namespace {

// A small float with the given field widths; the top exponent means infinity and NaN.
float expand(uint32_t bits, int exponentBits, int mantissaBits) {
    const uint32_t mantissa = bits & ((1u << mantissaBits) - 1);
    const uint32_t exponent = (bits >> mantissaBits) & ((1u << exponentBits) - 1);
    const float sign = (bits >> (exponentBits + mantissaBits)) & 1 ? -1.0f : 1.0f;
    const int bias = (1 << (exponentBits - 1)) - 1;
    if (exponent == (1u << exponentBits) - 1) {
        if (mantissa) return std::numeric_limits<float>::quiet_NaN();
        return sign * std::numeric_limits<float>::infinity();
    }
    if (exponent == 0)
        return sign * std::ldexp(static_cast<float>(mantissa), 1 - bias - mantissaBits);
    return sign * std::ldexp(static_cast<float>(mantissa | (1u << mantissaBits)),
                             static_cast<int>(exponent) - bias - mantissaBits);
}

} // namespace

float f16ToFloat(uint16_t bits) {
    return expand(bits, 5, 10);
}

float f8e5m2ToFloat(uint8_t bits) {
    return expand(bits, 5, 2);
}

float f8e4m3ToFloat(uint8_t bits) {
    if ((bits & 0x7f) == 0x7f) return std::numeric_limits<float>::quiet_NaN();
    const uint32_t mantissa = bits & 7;
    const int exponent = (bits >> 3) & 15;
    const float sign = bits & 0x80 ? -1.0f : 1.0f;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -9);
    return sign * std::ldexp(static_cast<float>(mantissa | 8), exponent - 10);
}

} // namespace kinora::kernels
