#include "pipelines/noise/philox_noise.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

using kinora::pipelines::philox4x32;
using kinora::pipelines::PhiloxNoise;

TEST_CASE("the generator gives the known answers of Random123") {
    // Source: kat_vectors of Random123 1.14, philox4x32 with 10 rounds.
    using Words = std::array<uint32_t, 4>;
    CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) ==
          Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) ==
          Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("the first draw of seed 0 is torch.randn's on a CUDA device") {
    // What torch.manual_seed(0); torch.randn(12, device="cuda") prints.
    const std::array<double, 12> expected = {-0.92466259, -0.42534415, -2.6438457,  0.14518388,
                                             -0.12086647, -0.57972564, -0.62285122, -0.32838709,
                                             -1.07454231, -0.36314407, -1.67105067, 2.26550497};
    std::vector<float> values(12);
    PhiloxNoise(0).normal(values);
    for (size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(values[i] - expected[i]) <= 1e-6);
}

TEST_CASE("a value depends on its place and its draw, not on the size of the draw") {
    PhiloxNoise a(123), b(123);
    std::vector<float> few(5), many(500), second(5), third(500);
    a.normal(few);
    b.normal(many);
    CHECK(std::equal(few.begin(), few.end(), many.begin()));
    a.normal(second);
    b.normal(third);
    CHECK(std::equal(second.begin(), second.end(), third.begin()));
    CHECK(few != second);
}

TEST_CASE("all 64 bits of a seed count") {
    std::vector<float> a(4), b(4);
    PhiloxNoise(7).normal(a);
    PhiloxNoise((uint64_t{1} << 32) + 7).normal(b);
    CHECK(a != b);
}

TEST_CASE("the numbers are standard normal") {
    std::vector<float> values(200'000);
    PhiloxNoise(99).normal(values);
    double sum = 0, squares = 0, fourth = 0;
    for (double x : values) {
        sum += x;
        squares += x * x;
        fourth += x * x * x * x;
    }
    const auto n = static_cast<double>(values.size());
    CHECK(std::abs(sum / n) < 0.01);
    CHECK(std::abs(squares / n - 1) < 0.015);
    CHECK(std::abs(fourth / n - 3) < 0.1);
}
