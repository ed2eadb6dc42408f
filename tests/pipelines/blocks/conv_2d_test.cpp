#include "pipelines/blocks/conv_2d.h"
#include "tests/pipelines/blocks/block_device.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;
using kinora::kernels::Shape;
using kinora::test::BlockDevice;

TEST_CASE("an odd kernel keeps the picture's size") {
    BlockDevice meta("meta");
    for (const int kernel : {1, 3, 5, 7}) {
        const Conv2d conv(meta.weights, "conv", 6, 4, kernel);
        CHECK((conv(meta.random("x", {2, 9, 7, 4})).shape() == Shape{2, 9, 7, 6}));
    }
}

TEST_CASE("the bias is added") {
    BlockDevice cpu;
    const Conv2d conv(cpu.weights, "conv", 3, 4, 3);
    const std::vector<float> zeros(5 * 4 * 4);
    const auto x = cpu.device->fromHost(zeros.data(), {1, 5, 4, 4}, kinora::kernels::DType::F32);
    const std::vector<float> found = cpu.values(conv(x)), bias = cpu.values(conv.bias);
    CHECK(bias[0] != 0);
    for (size_t i = 0; i < found.size(); ++i) CHECK(found[i] == bias[i % 3]);
}
