#include "pipelines/noise/philox_noise.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

using kinora::pipelines::philox4x32;
using kinora::pipelines::PhiloxNoise;
using kinora::test::GoldenFile;

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

// Golden numbers: tests/golden/generate_philox.py, on an H100. Absolute tolerance 2e-6 on numbers
// up to about 4.5: the device's log and sine are its own; 1.55e-6 was seen.
TEST_CASE("draws of every size, one after another, equal torch.randn on a CUDA device") {
    const GoldenFile golden("noise/torch_cuda.safetensors");
    const auto counts = nlohmann::json::parse(golden.metadata("counts"));
    const size_t stride = std::stoul(golden.metadata("stride"));
    for (const std::string seed :
         {"0", "1", "42", "4294967295", "4294967296", "4294967338", "9223372036854775807"}) {
        CAPTURE(seed);
        const std::vector<float> expected = golden.floats(seed);
        PhiloxNoise noise(std::stoull(seed));
        size_t at = 0;
        double worst = 0;
        for (const size_t count : counts) {
            std::vector<float> values(count);
            noise.normal(values);
            for (size_t i = 0; i < count; i += stride)
                worst = std::max(worst, std::abs(double{values[i]} - expected.at(at++)));
        }
        CHECK(worst <= 2e-6);
        CHECK(at == expected.size());
    }
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
