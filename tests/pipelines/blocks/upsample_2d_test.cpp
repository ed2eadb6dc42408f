#include "pipelines/blocks/upsample_2d.h"
#include "tests/pipelines/blocks/block_device.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;
using kinora::kernels::Shape;
using kinora::test::BlockDevice;

TEST_CASE("the result has the size that is asked for, odd ones too") {
    BlockDevice meta("meta");
    const Upsample2D upsample(meta.weights, 4);
    CHECK((upsample(meta.random("x", {1, 3, 4, 4}), 6, 8).shape() == Shape{1, 6, 8, 4}));
    CHECK((upsample(meta.random("x", {1, 3, 4, 4}), 5, 7).shape() == Shape{1, 5, 7, 4}));
}
