#include "pipelines/blocks/basic_transformer_block.h"
#include "tests/pipelines/blocks/block_device.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace kinora::pipelines;
using kinora::kernels::Tensor;
using kinora::test::BlockDevice;
using kinora::test::relativeError;

TEST_CASE("positions are all alike: swapping two in swaps them out") {
    BlockDevice cpu;
    const BasicTransformerBlock block(cpu.weights / "b", 6, 4, 2);
    const Tensor x = cpu.random("x", {1, 2, 6}), context = cpu.random("c", {1, 3, 4});
    const auto swap = [](std::vector<float> values) {
        std::swap_ranges(values.begin(), values.begin() + 6, values.begin() + 6);
        return values;
    };
    const Tensor swapped = cpu.device->fromHost(swap(cpu.values(x)).data(), {1, 2, 6}, x.dtype());
    CHECK(relativeError(swap(cpu.values(block(swapped, context))), cpu.values(block(x, context))) <
          1e-6);
}

TEST_CASE("where both attentions are to the prompt, positions know nothing of each other") {
    BlockDevice cpu;
    const Tensor x = cpu.random("x", {1, 2, 6}), context = cpu.random("c", {1, 3, 4});
    std::vector<float> other = cpu.values(x);
    for (size_t i = 6; i < 12; ++i) other[i] += static_cast<float>(i); // not by one number: normed
    const Tensor changed = cpu.device->fromHost(other.data(), {1, 2, 6}, x.dtype());
    for (const FirstAttention first : {FirstAttention::ToPrompt, FirstAttention::ToItself}) {
        const BasicTransformerBlock block(cpu.weights / "b", 6, 4, 2, first);
        std::vector<float> one = cpu.values(block(x, context));
        std::vector<float> two = cpu.values(block(changed, context));
        one.resize(6);
        two.resize(6);
        CHECK((relativeError(one, two) < 1e-7) == (first == FirstAttention::ToPrompt));
    }
}

TEST_CASE("the context is looked at") {
    BlockDevice cpu;
    const BasicTransformerBlock block(cpu.weights / "b", 6, 4, 2);
    const Tensor x = cpu.random("x", {1, 2, 6});
    CHECK(relativeError(cpu.values(block(x, cpu.random("c", {1, 3, 4}))),
                        cpu.values(block(x, cpu.random("d", {1, 3, 4})))) > 1e-5);
}
