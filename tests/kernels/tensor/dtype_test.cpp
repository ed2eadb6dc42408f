#include "kernels/tensor/dtype.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>

using namespace kinora::kernels;

namespace {

// The 16-bit pattern nearest to a value, ties to even, by looking at both neighbours.
template <class Expand> bool isNearest(float value, uint16_t bits, Expand expand) {
    const double got = expand(bits);
    const double distance = std::fabs(got - value);
    for (const int step : {-1, 1}) {
        const auto other = static_cast<uint16_t>(bits + step);
        if ((other & 0x7fff) > (bits & 0x7fff) + 1) continue; // across zero
        const double neighbour = expand(other);
        if (!std::isfinite(neighbour)) continue;
        const double otherDistance = std::fabs(neighbour - value);
        if (otherDistance < distance) return false;
        if (otherDistance == distance && (bits & 1)) return false;
    }
    return true;
}

constexpr DType kAll[] = {DType::F32,    DType::BF16,   DType::F16, DType::F64,
                          DType::F8E4M3, DType::F8E5M2, DType::I64, DType::I32,
                          DType::I16,    DType::I8,     DType::U8,  DType::Bool};

} // namespace

TEST_CASE("every dtype has a size and a name of its own") {
    std::set<std::string> names;
    for (const DType dtype : kAll) {
        CHECK((sizeBytes(dtype) == 1 || sizeBytes(dtype) == 2 || sizeBytes(dtype) == 4 ||
               sizeBytes(dtype) == 8));
        names.insert(std::string(dtypeName(dtype)));
    }
    CHECK(names.size() == std::size(kAll));
    CHECK(sizeBytes(DType::BF16) == 2);
    CHECK(sizeBytes(DType::F64) == 8);
    CHECK(dtypeName(DType::F8E4M3) == "f8_e4m3");
}

TEST_CASE("every bf16 and f16 survives the way through f32") {
    int wrong = 0;
    for (uint32_t i = 0; i < 65536; ++i) {
        const auto bits = static_cast<uint16_t>(i);
        const float wide = bf16ToFloat(bits), half = f16ToFloat(bits);
        wrong += std::isnan(wide) ? !std::isnan(bf16ToFloat(floatToBf16(wide)))
                                  : floatToBf16(wide) != bits;
        wrong +=
            std::isnan(half) ? !std::isnan(f16ToFloat(floatToF16(half))) : floatToF16(half) != bits;
    }
    CHECK(wrong == 0);
}

TEST_CASE("f16 is what IEEE 754 says") {
    const std::pair<uint16_t, double> cases[] = {{0x0000, 0},
                                                 {0x3c00, 1},
                                                 {0xc000, -2},
                                                 {0x7bff, 65504},
                                                 {0x0400, 0x1p-14},
                                                 {0x0001, 0x1p-24},
                                                 {0x03ff, 1023 * 0x1p-24},
                                                 {0x3555, 0.333251953125}};
    for (const auto& [bits, value] : cases) CHECK(f16ToFloat(bits) == value);
    CHECK(std::signbit(f16ToFloat(0x8000)));
    CHECK(f16ToFloat(0x7c00) == std::numeric_limits<float>::infinity());
    CHECK(f16ToFloat(0xfc00) == -std::numeric_limits<float>::infinity());
    CHECK(std::isnan(f16ToFloat(0x7c01)));
}

TEST_CASE("narrowing rounds to nearest, ties to even, over the whole range") {
    int wrong = 0;
    for (uint64_t i = 0; i < (uint64_t{1} << 32); i += 9973) {
        const float value = std::bit_cast<float>(static_cast<uint32_t>(i));
        if (!std::isfinite(value)) continue;
        const uint16_t half = floatToF16(value), brain = floatToBf16(value);
        if (std::isfinite(f16ToFloat(half)))
            wrong += !isNearest(value, half, f16ToFloat);
        else
            wrong += std::fabs(value) < 65520;
        if (std::isfinite(bf16ToFloat(brain)))
            wrong += !isNearest(value, brain, bf16ToFloat);
        else
            wrong += std::fabs(value) < 3.39e38f;
    }
    CHECK(wrong == 0);
    CHECK(floatToF16(65519.996f) == 0x7bff);
    CHECK(floatToF16(65520) == 0x7c00);
    CHECK(floatToF16(-1e9f) == 0xfc00);
    CHECK(floatToF16(0x1p-25f) == 0);   // a tie: to even
    CHECK(floatToF16(0x1.8p-24f) == 2); // likewise
    CHECK(floatToF16(0x1.000002p-25f) == 1);
    CHECK(floatToBf16(1 + 0x1p-8f) == 0x3f80);
    CHECK(floatToBf16(1 + 0x1.8p-7f) == 0x3f82);
}

TEST_CASE("NaN stays NaN, whatever its payload") {
    for (const uint32_t bits : {0x7f800001u, 0x7fc00000u, 0xff800001u, 0x7fffffffu}) {
        CHECK(std::isnan(bf16ToFloat(floatToBf16(std::bit_cast<float>(bits)))));
        CHECK(std::isnan(f16ToFloat(floatToF16(std::bit_cast<float>(bits)))));
    }
}

TEST_CASE("the 8-bit floats are what the OCP specification says") {
    CHECK(f8e4m3ToFloat(0x00) == 0);
    CHECK(f8e4m3ToFloat(0x01) == 0x1p-9f);
    CHECK(f8e4m3ToFloat(0x07) == 7 * 0x1p-9f);
    CHECK(f8e4m3ToFloat(0x08) == 0x1p-6f);
    CHECK(f8e4m3ToFloat(0x38) == 1);
    CHECK(f8e4m3ToFloat(0x7e) == 448);
    CHECK(f8e4m3ToFloat(0xfe) == -448);
    CHECK(std::isnan(f8e4m3ToFloat(0x7f)));
    CHECK(std::isnan(f8e4m3ToFloat(0xff)));
    CHECK(f8e5m2ToFloat(0x01) == 0x1p-16f);
    CHECK(f8e5m2ToFloat(0x04) == 0x1p-14f);
    CHECK(f8e5m2ToFloat(0x3c) == 1);
    CHECK(f8e5m2ToFloat(0x7b) == 57344);
    CHECK(f8e5m2ToFloat(0xfc) == -std::numeric_limits<float>::infinity());
    CHECK(std::isnan(f8e5m2ToFloat(0x7d)));
}
