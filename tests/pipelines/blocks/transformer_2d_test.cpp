#include "pipelines/blocks/transformer_2d.h"
#include "tests/pipelines/blocks/block_device.h"
#include "tests/support/golden_file.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;
using kinora::kernels::Shape;
using kinora::kernels::Tensor;
using kinora::test::BlockDevice;
using kinora::test::relativeError;
using kinora::test::thrownBy;

TEST_CASE("more heads than channels are refused") {
    BlockDevice meta("meta");
    CHECK(thrownBy([&] {
              Transformer2D(meta.weights, 4, {.layers = 1, .heads = 5, .groups = 2});
          }) == "bad-file: The config asks for 5 attention heads over 4 channels.");
}

TEST_CASE("heads that do not divide the channels work on fewer") {
    BlockDevice meta("meta");
    const Transformer2D transformer(meta.weights, 8,
                                    {.layers = 2, .heads = 3, .contextWidth = 5, .groups = 2});
    const Tensor y = transformer(meta.random("x", {2, 3, 5, 8}), meta.random("c", {2, 7, 5}));
    CHECK((y.shape() == Shape{2, 3, 5, 8}));
}

TEST_CASE("projections stored as matrices and as convolutions compute the same") {
    BlockDevice cpu;
    TransformerOptions options{.layers = 1, .heads = 2, .contextWidth = 5, .groups = 2};
    const Transformer2D convolutions(cpu.weights / "t", 4, options);
    options.linearProjection = true;
    const Transformer2D matrices(cpu.weights / "t", 4, options);
    const Tensor x = cpu.random("x", {2, 3, 5, 4}), context = cpu.random("c", {2, 7, 5});
    CHECK(relativeError(cpu.values(convolutions(x, context)), cpu.values(matrices(x, context))) <
          1e-6);
}
