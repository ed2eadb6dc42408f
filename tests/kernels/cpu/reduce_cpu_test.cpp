// Many elements to few.

#include "kernels/ops/reduce.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/reference_ops.h"

#include <doctest/doctest.h>

#include <limits>

using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("a single NaN or infinity is found wherever it is") {
    for (const DType dtype : {DType::F32, DType::BF16, DType::F16})
        for (const int64_t count : {1, 7, 33, 40009}) {
            const Array fine = randomArray({count}, 1, -60000, 60000);
            forEveryTarget([&] {
                for (const int threads : {1, 3}) {
                    const auto device = openCpu(threads);
                    Array x = fine;
                    CHECK(allFinite(toTensor(*device, x, dtype)));
                    for (const int64_t at : {int64_t{0}, count / 2, count - 1})
                        for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
                            x = fine;
                            x[at] = bad;
                            CHECK_FALSE(allFinite(toTensor(*device, x, dtype)));
                        }
                }
            });
        }
}

TEST_CASE("the largest finite values are finite, and so is nothing at all") {
    const auto device = openCpu(1);
    Array x(Shape{2}, {3.4028234e38, -3.4028234e38});
    CHECK(allFinite(toTensor(*device, x, DType::F32)));
    Array half(Shape{1}, {65504});
    CHECK(allFinite(toTensor(*device, half, DType::F16)));
    CHECK(allFinite(device->empty({0, 3}, DType::F32)));
}

TEST_CASE("standard deviations are the definition's, with n - 1") {
    for (const Shape& shape : {Shape{1, 2}, Shape{3, 7}, Shape{2, 3, 5, 7}, Shape{2, 1025},
                               Shape{3, 64, 64, 4}, Shape{1, 100003}}) {
        CAPTURE(toString(shape));
        Array x = randomArray(shape, 2, -1, 3);
        checkOp([&](Device& device) { return standardDeviation(toTensor(device, x, DType::F32)); },
                reference::standardDeviation(x), 1e-6);
        Array far = randomArray(shape, 3, 9999, 10001);
        checkOp(
            [&](Device& device) { return standardDeviation(toTensor(device, far, DType::F32)); },
            reference::standardDeviation(far), 1e-5);
    }
}
