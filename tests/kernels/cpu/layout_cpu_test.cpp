// Joining, reordering and converting: exact, element by element.

#include "kernels/ops/layout.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/reference_ops.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string>

using namespace kinora::kernels;
using namespace kinora::test;

namespace {

constexpr DType kComputeDtypes[] = {DType::F32, DType::BF16, DType::F16};

std::vector<uint16_t> everyPattern() {
    std::vector<uint16_t> bits(65536);
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
    return bits;
}

float expand(uint16_t bits, DType dtype) {
    return dtype == DType::BF16 ? bf16ToFloat(bits) : f16ToFloat(bits);
}

uint16_t pack(float value, DType dtype) {
    return dtype == DType::BF16 ? floatToBf16(value) : floatToF16(value);
}

// Same bits, or both NaN.
bool same(float a, float b) {
    return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

// f32 values at, beside and between all 16-bit ones, and some that no 16-bit dtype holds.
std::vector<float> roundingCases(DType dtype) {
    std::vector<float> values = {0.0f,     -0.0f,    65503.9f,      65519.99f,      65520.0f,
                                 65536.0f, 1e30f,    3.4e38f,       -3.4028235e38f, 1e-40f,
                                 1e-45f,   2.98e-8f, 2.9802322e-8f, 2.99e-8f,       6.1035e-5f};
    for (uint32_t bits = 0; bits < 65535; ++bits) {
        const float low = expand(static_cast<uint16_t>(bits), dtype);
        const float high = expand(static_cast<uint16_t>(bits + 1), dtype);
        if (!std::isfinite(low) || !std::isfinite(high) || (bits & 0x7fff) == 0x7fff) continue;
        const float middle = static_cast<float>((static_cast<double>(low) + high) / 2);
        for (const float value :
             {middle, std::nextafterf(middle, low), std::nextafterf(middle, high), low})
            values.push_back(value);
    }
    values.push_back(std::numeric_limits<float>::infinity());
    values.push_back(-std::numeric_limits<float>::infinity());
    values.push_back(std::numeric_limits<float>::quiet_NaN());
    values.push_back(std::bit_cast<float>(0x7f800001u)); // a signalling NaN
    values.push_back(std::bit_cast<float>(0xffffffffu));
    return values;
}

template <class T> Array converted(const std::vector<T>& values, DType from, DType to) {
    const auto device = openCpu(2);
    const Tensor tensor =
        device->fromHost(values.data(), {static_cast<int64_t>(values.size())}, from);
    return toArray(convert(tensor, to));
}

} // namespace

TEST_CASE("every 16-bit pattern widens to the value that it stands for") {
    const std::vector<uint16_t> bits = everyPattern();
    for (const DType dtype : {DType::BF16, DType::F16})
        forEveryTarget([&] {
            const auto device = openCpu(2);
            const Tensor wide = convert(device->fromHost(bits.data(), {65536}, dtype), DType::F32);
            const std::vector<float> values = device->toHost<float>(wide);
            int wrong = 0;
            for (size_t i = 0; i < bits.size(); ++i)
                wrong += !same(values[i], expand(bits[i], dtype));
            CHECK_MESSAGE(wrong == 0, std::string(dtypeName(dtype)));
        });
}

TEST_CASE("f32 narrows to the nearest 16-bit value, ties to even") {
    for (const DType dtype : {DType::BF16, DType::F16}) {
        const std::vector<float> values = roundingCases(dtype);
        const Shape shape{static_cast<int64_t>(values.size())};
        forEveryTarget([&] {
            const auto device = openCpu(2);
            const Tensor narrow =
                convert(device->fromHost(values.data(), shape, DType::F32), dtype);
            const std::vector<uint16_t> bits = device->toHost<uint16_t>(narrow);
            int wrong = 0;
            for (size_t i = 0; i < bits.size(); ++i)
                wrong += !same(expand(bits[i], dtype), expand(pack(values[i], dtype), dtype));
            CHECK_MESSAGE(wrong == 0, std::string(dtypeName(dtype)));
        });
    }
}

TEST_CASE("one 16-bit dtype becomes the other as if by way of f32") {
    const std::vector<uint16_t> bits = everyPattern();
    forEveryTarget([&] {
        const auto device = openCpu(1);
        const Tensor half = device->fromHost(bits.data(), {65536}, DType::F16);
        const std::vector<uint16_t> got = device->toHost<uint16_t>(convert(half, DType::BF16));
        int wrong = 0;
        for (size_t i = 0; i < bits.size(); ++i)
            wrong += !same(bf16ToFloat(got[i]), bf16ToFloat(floatToBf16(f16ToFloat(bits[i]))));
        CHECK(wrong == 0);
    });
}

TEST_CASE("the dtypes of files are read") {
    CHECK(converted<double>({1.5, -1e-3, 16777217.0, 1e300, 0.1}, DType::F64, DType::F32).values ==
          std::vector<double>{1.5, -0.001f, 16777216.0, INFINITY, 0.1f});
    CHECK(converted<int64_t>({0, -5, 16777217, INT64_MIN, INT64_MAX}, DType::I64, DType::F32)
              .values ==
          std::vector<double>{0, -5, 16777216, -9223372036854775808.0, 9223372036854775808.0});
    CHECK(converted<int32_t>({7, -2147483647, 33554435}, DType::I32, DType::F32).values ==
          std::vector<double>{7, -2147483648.0, 33554436});
    CHECK(converted<int16_t>({-32768, 32767, 5}, DType::I16, DType::F32).values ==
          std::vector<double>{-32768, 32767, 5});
    CHECK(converted<int8_t>({-128, 127, 0}, DType::I8, DType::BF16).values ==
          std::vector<double>{-128, 127, 0});
    CHECK(converted<uint8_t>({0, 128, 255}, DType::U8, DType::F16).values ==
          std::vector<double>{0, 128, 255});
    CHECK(converted<uint8_t>({0, 1, 2}, DType::Bool, DType::F32).values ==
          std::vector<double>{0, 1, 1});
    std::vector<uint8_t> bits(256);
    for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint8_t>(i);
    const Array e4m3 = converted(bits, DType::F8E4M3, DType::F32);
    const Array e5m2 = converted(bits, DType::F8E5M2, DType::F32);
    for (int i = 0; i < 256; ++i) {
        const auto pattern = static_cast<uint8_t>(i);
        CHECK(same(static_cast<float>(e4m3[i]), f8e4m3ToFloat(pattern)));
        CHECK(same(static_cast<float>(e5m2[i]), f8e5m2ToFloat(pattern)));
    }
}

TEST_CASE("what is wider than f32 is rounded once on its way to 16 bits") {
    // 1 + 2^-8 is a tie of bf16; a hair above it must go up, though f32 does not see the hair.
    const double hair = std::ldexp(1.0, -40);
    const std::vector<double> values = {1 + 1.0 / 256 + hair,
                                        1 + 1.0 / 256 - hair,
                                        1 + 1.0 / 256,
                                        -(1 + 1.0 / 256 + hair),
                                        1e-310,
                                        1e300};
    CHECK(converted(values, DType::F64, DType::BF16).values ==
          std::vector<double>{1 + 1.0 / 128, 1, 1, -(1 + 1.0 / 128), 0, INFINITY});
    // 257 * 2^20 is such a tie of integers.
    const int64_t tie = int64_t{257} << 40;
    CHECK(converted<int64_t>({tie, tie + 1, tie - 1, -tie - 1}, DType::I64, DType::BF16).values ==
          std::vector<double>{std::ldexp(256, 40), std::ldexp(258, 40), std::ldexp(256, 40),
                              -std::ldexp(258, 40)});
    const int32_t small = 257 << 20;
    CHECK(converted<int32_t>({small, small + 1}, DType::I32, DType::BF16).values ==
          std::vector<double>{std::ldexp(256, 20), std::ldexp(258, 20)});
}

TEST_CASE("converting to a tensor's own dtype is the tensor, cloning is not") {
    const auto device = openCpu(1);
    const std::array<int32_t, 5> values = {1, -2, 3, -4, 5};
    const Tensor tensor = device->fromHost(values.data(), {5}, DType::I32);
    CHECK(convert(tensor, DType::I32).data() == tensor.data());
    const Tensor copy = clone(tensor);
    CHECK(copy.data() != tensor.data());
    CHECK(device->toHost<int32_t>(copy) == std::vector<int32_t>(values.begin(), values.end()));
}

TEST_CASE("joining the last axis") {
    const std::vector<std::vector<Shape>> cases = {
        {{1}, {1}},
        {{2, 3, 4}, {2, 3, 5}, {2, 3, 1}},
        {{3, 7, 31}, {3, 7, 33}},
        {{65, 640}, {65, 320}},
        {{4, 0}, {4, 3}},
        {{0, 2}, {0, 3}},
    };
    for (const std::vector<Shape>& shapes : cases)
        for (const DType dtype : kComputeDtypes) {
            std::vector<Array> arrays;
            for (const Shape& shape : shapes) {
                arrays.push_back(randomArray(shape, static_cast<uint32_t>(arrays.size() + 1)));
                for (double& value : arrays.back().values) value = rounded(value, dtype);
            }
            checkOp(
                [&](Device& device) {
                    std::vector<Tensor> parts;
                    for (Array& array : arrays) parts.push_back(toTensor(device, array, dtype));
                    return concat(parts);
                },
                reference::concat(arrays), 0);
        }
}

TEST_CASE("joining the first axis") {
    Array a = randomArray({2, 3, 5}, 1), b = randomArray({1, 3, 5}, 2), none(Shape{0, 3, 5});
    Array expected({3, 3, 5});
    std::copy(a.values.begin(), a.values.end(), expected.values.begin());
    std::copy(b.values.begin(), b.values.end(), expected.values.begin() + 30);
    checkOp(
        [&](Device& device) {
            const Tensor parts[] = {toTensor(device, a, DType::F32),
                                    toTensor(device, none, DType::F32),
                                    toTensor(device, b, DType::F32)};
            return stack(parts);
        },
        expected, 0);
}

TEST_CASE("permuting axes") {
    struct Case {
        Shape shape;
        std::vector<int> order;
    };
    const Case cases[] = {
        {{}, {}},
        {{5}, {0}},
        {{2, 3}, {0, 1}},
        {{2, 3}, {1, 0}},
        {{33, 65}, {1, 0}},
        {{2, 7, 5, 3}, {0, 2, 3, 1}},
        {{2, 7, 5, 3}, {0, 3, 1, 2}},
        {{1, 33, 37, 4}, {0, 3, 1, 2}},
        {{3, 128, 9, 11}, {0, 2, 3, 1}},
        {{2, 3, 4, 5}, {3, 2, 1, 0}},
        {{2, 3, 4, 5}, {2, 0, 1, 3}},
        {{2, 3, 4, 5}, {1, 0, 3, 2}},
        {{2, 1, 4, 1}, {3, 2, 1, 0}},
        {{2, 3, 2, 3, 2, 3}, {5, 0, 3, 1, 4, 2}},
        {{2, 3, 2, 3, 2, 40}, {1, 5, 0, 4, 3, 2}},
        {{320, 160, 3, 3}, {0, 2, 3, 1}},
        {{0, 3}, {1, 0}},
    };
    for (const Case& c : cases)
        for (const DType dtype : kComputeDtypes) {
            CAPTURE(toString(c.shape));
            Array x = randomArray(c.shape, 3);
            for (double& value : x.values) value = rounded(value, dtype);
            const std::vector<int>& o = c.order;
            checkOp(
                [&](Device& device) {
                    const Tensor tensor = toTensor(device, x, dtype);
                    switch (o.size()) {
                    case 0: return permute(tensor, {});
                    case 1: return permute(tensor, {o[0]});
                    case 2: return permute(tensor, {o[0], o[1]});
                    case 4: return permute(tensor, {o[0], o[1], o[2], o[3]});
                    default: return permute(tensor, {o[0], o[1], o[2], o[3], o[4], o[5]});
                    }
                },
                reference::permute(x, c.order), 0);
        }
}
