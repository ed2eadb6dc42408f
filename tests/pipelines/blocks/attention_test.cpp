#include "pipelines/blocks/attention.h"
#include "tests/pipelines/blocks/block_device.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;
using kinora::kernels::Tensor;
using kinora::test::BlockDevice;
using kinora::test::relativeError;

TEST_CASE("the residual is added to what is attended") {
    BlockDevice cpu;
    const Attention attention(cpu.weights, 6, 4, 3, Bias::No);
    const Tensor x = cpu.random("x", {2, 5, 6}), context = cpu.random("c", {2, 7, 4});
    const Tensor residual = cpu.random("r", {2, 5, 6});
    std::vector<float> expected = cpu.values(attention(x, context));
    const std::vector<float> added = cpu.values(residual);
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += added[i];
    CHECK(relativeError(cpu.values(attention(x, context, residual)), expected) < 1e-6);
}

TEST_CASE("the order of the context does not matter, unless later is hidden") {
    BlockDevice cpu;
    const Attention attention(cpu.weights, 4, 4, 2, Bias::Yes);
    const Tensor x = cpu.random("x", {1, 2, 4});
    std::vector<float> values = cpu.values(x);
    std::swap_ranges(values.begin(), values.begin() + 4, values.begin() + 4);
    const Tensor swapped = cpu.device->fromHost(values.data(), {1, 2, 4}, x.dtype());
    CHECK(relativeError(cpu.values(attention(x, swapped)), cpu.values(attention(x, x))) < 1e-6);
    const auto causal = kinora::kernels::Causal::Yes;
    CHECK(relativeError(cpu.values(attention(x, swapped, {}, causal)),
                        cpu.values(attention(x, x, {}, causal))) > 1e-5);
}

TEST_CASE("rows of the identity give each position's own value, the others attend as ever") {
    BlockDevice cpu;
    const Attention attention(cpu.weights, 6, 6, 3, Bias::No);
    const Tensor x = cpu.random("x", {3, 5, 6}), residual = cpu.random("r", {3, 5, 6});
    const std::vector<float> plain = cpu.values(attention(x, x, residual));
    CHECK((cpu.values(attention.toItself(x, residual, 0)) == plain));
    // Over one position attention is the identity.
    const Tensor alone = x.reshape({15, 1, 6});
    const std::vector<float> own =
        cpu.values(attention(alone, alone, residual.reshape({15, 1, 6})));
    CHECK(relativeError(cpu.values(attention.toItself(x, residual, 3)), own) < 1e-6);
    std::vector<float> expected(plain.begin(), plain.begin() + 30);
    expected.insert(expected.end(), own.begin() + 30, own.end());
    CHECK(relativeError(cpu.values(attention.toItself(x, residual, 2)), expected) < 1e-6);
    CHECK(relativeError(cpu.values(attention.toItself(x, residual, 1)), expected) > 1e-3);
}
