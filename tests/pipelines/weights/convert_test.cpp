#include "kernels/base/error.h"
#include "pipelines/weights/convert.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

template <typename Stored> float convertOne(DType dtype, Stored value) {
    float result = -1;
    convertToFloat(dtype, reinterpret_cast<const std::byte*>(&value), {&result, 1});
    return result;
}

bool same(float a, float b) {
    return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

} // namespace

TEST_CASE("every f16 and bf16 value becomes the f32 that the scalar conversion makes of it") {
    int wrong = 0;
    for (uint32_t bits = 0; bits < 65536; ++bits) {
        const auto half = static_cast<uint16_t>(bits);
        wrong += !same(convertOne(DType::F16, half), kernels::f16ToFloat(half));
        wrong += !same(convertOne(DType::BF16, half), kernels::bf16ToFloat(half));
    }
    CHECK(wrong == 0);
}

TEST_CASE("the other stored types become f32") {
    CHECK(convertOne(DType::F32, 1.25f) == 1.25f);
    CHECK(convertOne(DType::F64, 0.1) == 0.1f);
    CHECK(convertOne(DType::F8E4M3, uint8_t{0x38}) == 1.0f);
    CHECK(convertOne(DType::F8E5M2, uint8_t{0xbc}) == -1.0f);
    CHECK(convertOne(DType::I64, int64_t{-7}) == -7);
    CHECK(convertOne(DType::I32, int32_t{70000}) == 70000);
    CHECK(convertOne(DType::I16, int16_t{-300}) == -300);
    CHECK(convertOne(DType::I8, int8_t{-3}) == -3);
    CHECK(convertOne(DType::U8, uint8_t{200}) == 200);
    CHECK(convertOne(DType::Bool, uint8_t{1}) == 1);
}

TEST_CASE("f32 is rounded to bf16 and f16 as the scalar conversion does") {
    std::vector<float> values = {0.0f,
                                 -0.0f,
                                 1.0f,
                                 1.00390625f,
                                 1.01171875f,
                                 3.4e38f,
                                 1e-40f,
                                 -65504,
                                 std::numeric_limits<float>::infinity(),
                                 std::numeric_limits<float>::quiet_NaN(),
                                 std::bit_cast<float>(0x7f800001u), // a NaN that truncates to inf
                                 std::bit_cast<float>(0xffffffffu)};
    for (uint32_t bits = 0; bits < 0xff000000u; bits += 65537 * 3)
        values.push_back(std::bit_cast<float>(bits));
    std::vector<uint16_t> found(values.size());
    int wrong = 0;
    convertFromFloat(values, DType::BF16, reinterpret_cast<std::byte*>(found.data()));
    for (size_t i = 0; i < values.size(); ++i)
        wrong += !same(kernels::bf16ToFloat(found[i]),
                       kernels::bf16ToFloat(kernels::floatToBf16(values[i])));
    convertFromFloat(values, DType::F16, reinterpret_cast<std::byte*>(found.data()));
    for (size_t i = 0; i < values.size(); ++i) wrong += found[i] != kernels::floatToF16(values[i]);
    CHECK(wrong == 0);
    CHECK_THROWS_AS(convertFromFloat(values, DType::I8, nullptr), Error);
}
