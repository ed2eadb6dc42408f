#include "pipelines/noise/torch_cpu_noise.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

using kinora::pipelines::TorchCpuNoise;
using kinora::test::GoldenFile;

// Golden numbers: tests/golden/generate_noise.py. Absolute tolerance 1e-6 on numbers up to about 5:
// PyTorch's own log and sine differ by as much between processors.
TEST_CASE("draws of every size, one after another, equal torch.randn") {
    const GoldenFile golden("noise/torch_cpu.safetensors");
    const auto counts = nlohmann::json::parse(golden.metadata("counts"));
    REQUIRE(counts.size() >= 7);
    for (const auto& [seed, sizes] : counts.items()) {
        CAPTURE(seed);
        const std::vector<float> expected = golden.floats(seed);
        TorchCpuNoise noise(std::stoull(seed));
        size_t at = 0;
        for (size_t count : sizes) {
            CAPTURE(count);
            std::vector<float> values(count);
            noise.normal(values);
            double worst = 0;
            for (size_t i = 0; i < count; ++i)
                worst = std::max(worst, std::abs(double{values[i]} - expected.at(at + i)));
            CHECK(worst <= 1e-6);
            at += count;
        }
        CHECK(at == expected.size());
    }
}

TEST_CASE("only the low 32 bits of a seed count") {
    std::vector<float> a(20), b(20), c(20);
    TorchCpuNoise(7).normal(a);
    TorchCpuNoise((uint64_t{3} << 32) + 7).normal(b);
    TorchCpuNoise(8).normal(c);
    CHECK(a == b);
    CHECK(a != c);
}

TEST_CASE("an empty draw draws nothing") {
    TorchCpuNoise noise(7), other(7);
    noise.normal({});
    std::vector<float> a(20), b(20);
    noise.normal(a);
    other.normal(b);
    CHECK(a == b);
}
