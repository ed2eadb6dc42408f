#include "kernels/cpu/scalar_convert.h"

#include "kernels/base/error.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace kinora::kernels::cpu {

namespace {

float nearest(double value) {
    return static_cast<float>(value);
}

// Toward zero, with the last bit set where that lost something.
float odd(double value) {
    float result = static_cast<float>(value);
    if (std::isnan(value) || static_cast<double>(result) == value) return result;
    if (std::fabs(static_cast<double>(result)) > std::fabs(value))
        result = std::nextafterf(result, 0.0f);
    return std::bit_cast<float>(std::bit_cast<uint32_t>(result) | 1u);
}

float nearest(int64_t value) {
    return static_cast<float>(value);
}

float odd(int64_t value) {
    const uint64_t magnitude =
        value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    const int extra = std::bit_width(magnitude) - std::numeric_limits<float>::digits;
    if (extra <= 0) return static_cast<float>(value);
    uint64_t kept = magnitude >> extra;
    if (kept << extra != magnitude) kept |= 1;
    const float result = std::ldexp(static_cast<float>(kept), extra);
    return value < 0 ? -result : result;
}

template <class T> void readNearest(const void* from, size_t count, float* to) {
    const T* values = static_cast<const T*>(from);
    for (size_t i = 0; i < count; ++i) to[i] = nearest(values[i]);
}

template <class T> void readOdd(const void* from, size_t count, float* to) {
    const T* values = static_cast<const T*>(from);
    for (size_t i = 0; i < count; ++i) to[i] = odd(values[i]);
}

// Values that every f32 can hold.
template <class T> void readExact(const void* from, size_t count, float* to) {
    const T* values = static_cast<const T*>(from);
    for (size_t i = 0; i < count; ++i) to[i] = static_cast<float>(values[i]);
}

void readBool(const void* from, size_t count, float* to) {
    const auto* values = static_cast<const uint8_t*>(from);
    for (size_t i = 0; i < count; ++i) to[i] = values[i] ? 1.0f : 0.0f;
}

template <float (*convert)(uint8_t)> void readF8(const void* from, size_t count, float* to) {
    const auto* bits = static_cast<const uint8_t*>(from);
    for (size_t i = 0; i < count; ++i) to[i] = convert(bits[i]);
}

void readI32Nearest(const void* from, size_t count, float* to) {
    const auto* values = static_cast<const int32_t*>(from);
    for (size_t i = 0; i < count; ++i) to[i] = nearest(int64_t{values[i]});
}

void readI32Odd(const void* from, size_t count, float* to) {
    const auto* values = static_cast<const int32_t*>(from);
    for (size_t i = 0; i < count; ++i) to[i] = odd(int64_t{values[i]});
}

} // namespace

ScalarReader scalarReader(DType from, DType target) {
    const bool toNearest = target == DType::F32;
    switch (from) {
    case DType::F64: return toNearest ? readNearest<double> : readOdd<double>;
    case DType::I64: return toNearest ? readNearest<int64_t> : readOdd<int64_t>;
    case DType::I32: return toNearest ? readI32Nearest : readI32Odd;
    case DType::I16: return readExact<int16_t>;
    case DType::I8: return readExact<int8_t>;
    case DType::U8: return readExact<uint8_t>;
    case DType::Bool: return readBool;
    case DType::F8E4M3: return readF8<f8e4m3ToFloat>;
    case DType::F8E5M2: return readF8<f8e5m2ToFloat>;
    case DType::F32:
    case DType::BF16:
    case DType::F16: break;
    }
    throw Error(ErrorCode::Internal, "A compute dtype needs no scalar reader.");
}

} // namespace kinora::kernels::cpu
