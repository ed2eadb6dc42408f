#include "pipelines/weights/convert.h"

#include "kernels/base/error.h"
#include "kernels/tensor/bf16.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace kinora::pipelines {
namespace {

using kernels::DType;

template <typename Stored, typename Function>
void forEach(const std::byte* stored, std::span<float> values, Function toFloat) {
    for (size_t i = 0; i < values.size(); ++i) {
        Stored element;
        std::memcpy(&element, stored + i * sizeof(Stored), sizeof(Stored));
        values[i] = toFloat(element);
    }
}

// Without branches, so that the compiler makes vectors of it: a checkpoint has a thousand million
// elements. Subnormals are made by a subtraction of normal numbers, which is right even where the
// processor takes subnormals for zero.
inline float halfToFloat(uint16_t half) {
    const uint32_t magnitude = half & 0x7fffu;
    const uint32_t moved = magnitude << 13;
    const float normal = std::bit_cast<float>(moved + (112u << 23)); // 112: 127 - 15
    const float subnormal = std::bit_cast<float>(moved + (113u << 23)) - 0x1p-14f;
    const float value = magnitude < 0x400u ? subnormal : normal;
    const uint32_t special = magnitude >= 0x7c00u ? 0x7f800000u : 0u; // infinity and NaN
    const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(value) | special | sign);
}

} // namespace

void convertToFloat(DType dtype, const std::byte* stored, std::span<float> values) {
    if (values.empty()) return; // whose pointers memcpy may not see
    switch (dtype) {
    case DType::F32: std::memcpy(values.data(), stored, values.size_bytes()); return;
    case DType::BF16:
        return forEach<uint16_t>(stored, values,
                                 [](uint16_t bits) { return kernels::widenBf16(bits); });
    case DType::F16: return forEach<uint16_t>(stored, values, halfToFloat);
    case DType::F64:
        return forEach<double>(stored, values, [](double v) { return static_cast<float>(v); });
    case DType::F8E4M3: return forEach<uint8_t>(stored, values, kernels::f8e4m3ToFloat);
    case DType::F8E5M2: return forEach<uint8_t>(stored, values, kernels::f8e5m2ToFloat);
    case DType::I64:
        return forEach<int64_t>(stored, values, [](int64_t v) { return static_cast<float>(v); });
    case DType::I32:
        return forEach<int32_t>(stored, values, [](int32_t v) { return static_cast<float>(v); });
    case DType::I16:
        return forEach<int16_t>(stored, values, [](int16_t v) { return static_cast<float>(v); });
    case DType::I8:
        return forEach<int8_t>(stored, values, [](int8_t v) { return static_cast<float>(v); });
    case DType::U8:
        return forEach<uint8_t>(stored, values, [](uint8_t v) { return static_cast<float>(v); });
    case DType::Bool:
        return forEach<uint8_t>(stored, values, [](uint8_t v) { return v ? 1.0f : 0.0f; });
    }
    throw Error(ErrorCode::Internal, "A weight has a dtype that nobody converts.");
}

void convertFromFloat(std::span<const float> values, DType dtype, std::byte* to) {
    if (values.empty()) return;
    if (dtype == DType::F32) {
        std::memcpy(to, values.data(), values.size_bytes());
        return;
    }
    if (dtype != DType::BF16 && dtype != DType::F16)
        throw Error(ErrorCode::Internal, "Weights compute in f32, bf16 or f16.");
    for (size_t i = 0; i < values.size(); ++i) {
        const uint16_t bits =
            dtype == DType::BF16 ? kernels::roundToBf16(values[i]) : kernels::floatToF16(values[i]);
        std::memcpy(to + i * sizeof(bits), &bits, sizeof(bits));
    }
}

bool isFloatingPoint(DType dtype) {
    switch (dtype) {
    case DType::F32:
    case DType::BF16:
    case DType::F16:
    case DType::F64:
    case DType::F8E4M3:
    case DType::F8E5M2: return true;
    default: return false;
    }
}

} // namespace kinora::pipelines
