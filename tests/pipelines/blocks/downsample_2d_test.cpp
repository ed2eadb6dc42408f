#include "pipelines/blocks/downsample_2d.h"
#include "tests/pipelines/blocks/block_device.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;
using kinora::kernels::Shape;
using kinora::test::BlockDevice;

TEST_CASE("odd sizes are rounded up or down as the padding says") {
    BlockDevice meta("meta");
    const Downsample2D around(meta.weights, 4, DownsamplePadding::Around);
    const Downsample2D below(meta.weights, 4, DownsamplePadding::RightAndBottom);
    CHECK((around(meta.random("x", {1, 7, 8, 4})).shape() == Shape{1, 4, 4, 4}));
    CHECK((below(meta.random("x", {1, 7, 8, 4})).shape() == Shape{1, 3, 4, 4}));
}

TEST_CASE("a picture of which nothing would be left is told") {
    BlockDevice meta("meta");
    const Downsample2D around(meta.weights, 4, DownsamplePadding::Around);
    const Downsample2D below(meta.weights, 4, DownsamplePadding::RightAndBottom);
    CHECK((around(meta.random("x", {1, 1, 1, 4})).shape() == Shape{1, 1, 1, 4}));
    CHECK((below(meta.random("x", {1, 2, 2, 4})).shape() == Shape{1, 1, 1, 4}));
    for (const Shape& small : {Shape{1, 1, 2, 4}, Shape{1, 2, 1, 4}})
        CHECK(kinora::test::thrownBy([&] {
                  below(meta.random("x", small));
              }).starts_with("invalid-argument: The picture is too small"));
}

TEST_CASE("the padding is on the sides that it says") {
    // One pixel that only a kernel without padding at the left and top begins with.
    BlockDevice cpu;
    const Downsample2D around(cpu.weights, 1, DownsamplePadding::Around);
    const Downsample2D below(cpu.weights, 1, DownsamplePadding::RightAndBottom);
    std::vector<float> values(16);
    values[2 * 4 + 2] = 1; // row 2, column 2
    const auto x = cpu.device->fromHost(values.data(), {1, 4, 4, 1}, kinora::kernels::DType::F32);
    std::vector<float> kernel(9);
    cpu.source.read("conv.weight", 0, kernel);
    const float bias = cpu.values(around.conv.bias)[0];
    CHECK(cpu.values(around(x))[3] == doctest::Approx(kernel[4] + bias)); // centre on (2, 2)
    CHECK(cpu.values(below(x))[3] == doctest::Approx(kernel[0] + bias));  // corner on (2, 2)
}
