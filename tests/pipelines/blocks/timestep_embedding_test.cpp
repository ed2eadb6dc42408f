#include "pipelines/blocks/timestep_embedding.h"
#include "tests/pipelines/blocks/block_device.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace kinora::pipelines;
using kinora::kernels::Activation;
using kinora::kernels::DType;
using kinora::kernels::Tensor;
using kinora::test::BlockDevice;
using kinora::test::relativeError;

TEST_CASE("it computes in f32 whatever the model does") {
    BlockDevice fine("meta"), coarse("meta", DType::BF16);
    const TimestepEmbedding embedding(coarse.weights, 8, 12, 0, Activation::Silu);
    CHECK(embedding(coarse.random("x", {1, 8})).dtype() == DType::F32);
}

TEST_CASE("an activation after the layers is the result's") {
    BlockDevice cpu;
    const Tensor sinusoids = cpu.random("x", {2, 8});
    std::vector<float> expected =
        cpu.values(TimestepEmbedding(cpu.weights, 8, 12, 0, Activation::Silu)(sinusoids));
    CHECK(std::ranges::min(expected) < 0);
    for (float& value : expected) value = std::max(value, 0.0f);
    CHECK(relativeError(cpu.values(TimestepEmbedding(cpu.weights, 8, 12, 0, Activation::Silu,
                                                     Activation::Relu)(sinusoids)),
                        expected) < 1e-6);
}

TEST_CASE("a condition is added where there is one") {
    BlockDevice cpu;
    const TimestepEmbedding embedding(cpu.weights, 8, 12, 3, Activation::Silu);
    const Tensor sinusoids = cpu.random("x", {2, 8});
    const std::vector<float> zeros(6);
    const Tensor none = cpu.device->fromHost(zeros.data(), {2, 3}, DType::F32);
    const std::vector<float> plain = cpu.values(embedding(sinusoids));
    CHECK(relativeError(cpu.values(embedding(sinusoids, none)), plain) < 1e-6);
    CHECK(relativeError(cpu.values(embedding(sinusoids, cpu.random("c", {2, 3}))), plain) > 1e-4);
}
