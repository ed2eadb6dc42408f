#include "kernels/ops/layout.h"
#include "pipelines/blocks/resnet_block_2d.h"
#include "tests/pipelines/blocks/block_device.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;
using kinora::kernels::Tensor;
using kinora::test::BlockDevice;
using kinora::test::relativeError;

TEST_CASE("a time for all equals the same time for each") {
    BlockDevice cpu;
    const Tensor x = cpu.random("x", {2, 3, 5, 4});
    const Tensor one = cpu.random("time", {1, 5});
    const Tensor rows[] = {one, one};
    for (const TimeUse use : {TimeUse::Added, TimeUse::ScaleAndShift}) {
        const ResnetBlock2D block(cpu.weights / "r", 4, 6,
                                  {.timeWidth = 5, .groups = 2, .timeUse = use});
        const std::vector<float> shared = cpu.values(block(x, one));
        const std::vector<float> each = cpu.values(block(x, kinora::kernels::stack(rows)));
        CHECK(relativeError(shared, each) < 1e-5);
        const std::vector<float> other = cpu.values(block(x, cpu.random("later", {1, 5})));
        CHECK(relativeError(other, shared) > 1e-4);
    }
}

TEST_CASE("the result is divided by the output scale") {
    BlockDevice cpu;
    const Tensor x = cpu.random("x", {1, 3, 5, 4});
    const ResnetBlock2D plain(cpu.weights / "r", 4, 4, {.groups = 2});
    const ResnetBlock2D scaled(cpu.weights / "r", 4, 4, {.groups = 2, .outputScale = 2});
    std::vector<float> found = cpu.values(scaled(x));
    for (float& value : found) value *= 2;
    CHECK(relativeError(found, cpu.values(plain(x))) < 1e-6);
}

TEST_CASE("a picture that is kept by its owner is not changed") {
    BlockDevice cpu;
    const ResnetBlock2D block(cpu.weights / "r", 4, 6, {.groups = 2});
    const Tensor x = cpu.random("x", {1, 3, 5, 4});
    const std::vector<float> before = cpu.values(x);
    block(x);
    CHECK(cpu.values(x) == before);
}
