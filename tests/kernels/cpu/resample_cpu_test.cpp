// Changes of a picture's size, element by element.

#include "kernels/ops/resample.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/reference_ops.h"

#include <doctest/doctest.h>

using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("nearest resizing takes the pixels that the definition names") {
    struct Case {
        Shape shape;
        int64_t height, width;
    };
    const Case cases[] = {
        {{1, 1, 1, 1}, 5, 3},    {{2, 3, 5, 7}, 6, 10},       {{1, 7, 7, 33}, 13, 14},
        {{1, 13, 11, 4}, 5, 3},  {{1, 64, 64, 20}, 128, 128}, {{0, 2, 2, 3}, 4, 4},
        {{2, 4, 6, 1100}, 7, 6},
    };
    for (const Case& c : cases)
        for (const DType dtype : {DType::F32, DType::BF16, DType::F16}) {
            CAPTURE(toString(c.shape));
            Array x = randomArray(c.shape, 1);
            for (double& value : x.values) value = rounded(value, dtype);
            checkOp(
                [&](Device& device) {
                    return resizeNearest(toTensor(device, x, dtype), c.height, c.width);
                },
                reference::resizeNearest(x, c.height, c.width), 0);
        }
}

TEST_CASE("nearest resizing rounds as PyTorch does") {
    // 41 * (2 / 82) is just below 1 in f32.
    Array x({1, 2, 1, 1}, {10, 20});
    const auto device = openCpu(1);
    const Array got = toArray(resizeNearest(toTensor(*device, x, DType::F32), 82, 1));
    CHECK(got[40] == 10);
    CHECK(got[41] == 10);
    CHECK(got[42] == 20);
}

TEST_CASE("average pooling is the definition's and drops an odd last row and column") {
    for (const Shape& shape : {Shape{1, 2, 2, 1}, Shape{2, 5, 7, 3}, Shape{1, 8, 6, 33},
                               Shape{1, 1, 4, 3}, Shape{1, 4, 2, 1027}, Shape{3, 33, 31, 64}})
        for (const DType dtype : {DType::F32, DType::BF16, DType::F16}) {
            CAPTURE(toString(shape));
            Array x = randomArray(shape, 2);
            for (double& value : x.values) value = rounded(value, dtype);
            checkOp([&](Device& device) { return averagePool2x2(toTensor(device, x, dtype)); },
                    reference::averagePool2x2(x), tolerance(dtype));
        }
}
