#include "pipelines/blocks/fourier_embedding.h"
#include "tests/pipelines/blocks/block_device.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace kinora::pipelines;
using kinora::kernels::Shape;
using kinora::test::BlockDevice;

TEST_CASE("each time is the sines and the cosines of its frequencies") {
    BlockDevice cpu;
    std::vector<float> frequencies(3);
    cpu.source.read("time_proj.weight", 0, frequencies);
    const std::vector<float> times = {0.0f, 1.5f};
    const FourierEmbedding sinesFirst(cpu.weights / "time_proj", 6, false);
    const FourierEmbedding cosinesFirst(cpu.weights / "time_proj", 6, true);
    const std::vector<float> plain = cpu.values(sinesFirst(times));
    const std::vector<float> flipped = cpu.values(cosinesFirst(times));
    for (size_t row = 0; row < 2; ++row)
        for (size_t i = 0; i < 3; ++i) {
            const double angle = 2 * std::numbers::pi * times[row] * frequencies[i];
            CHECK(plain[6 * row + i] == doctest::Approx(std::sin(angle)).epsilon(1e-5));
            CHECK(plain[6 * row + 3 + i] == doctest::Approx(std::cos(angle)).epsilon(1e-5));
            CHECK(flipped[6 * row + i] == plain[6 * row + 3 + i]);
            CHECK(flipped[6 * row + 3 + i] == plain[6 * row + i]);
        }
}

TEST_CASE("a plan of it has its shape") {
    BlockDevice meta("meta");
    const std::vector<float> times = {999.0f};
    CHECK((FourierEmbedding(meta.weights, 10, true)(times).shape() == Shape{1, 10}));
}
