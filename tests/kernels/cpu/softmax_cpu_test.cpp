// Softmax against its definition in double precision.

#include "kernels/ops/elementwise.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/reference_ops.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace kinora::kernels;
using namespace kinora::test;

TEST_CASE("softmax is the definition's, for odd widths in every dtype") {
    for (const Shape& shape : {Shape{1}, Shape{5, 1}, Shape{7, 3}, Shape{2, 3, 33}, Shape{5, 1025},
                               Shape{2, 4099}, Shape{0, 5}, Shape{700, 77}})
        for (const DType dtype : {DType::F32, DType::BF16, DType::F16})
            for (const float scale : {1.0f, 0.125f, 9.0f}) {
                CAPTURE(toString(shape));
                CAPTURE(std::string(dtypeName(dtype)));
                Array x = randomArray(shape, 1, -6, 6);
                for (double& value : x.values) value = rounded(value, dtype);
                checkOp([&](Device& device) { return softmax(toTensor(device, x, dtype), scale); },
                        reference::softmax(x, scale), tolerance(dtype));
            }
}

TEST_CASE("softmax gives hidden columns nothing, stands large values, and keeps NaN") {
    constexpr double kHidden = -std::numeric_limits<double>::infinity();
    Array x({3, 5}, {1000, kHidden, 999, kHidden, 1000,     //
                     kHidden, kHidden, 3, kHidden, kHidden, //
                     1, 2, std::nan(""), 4, 5});
    forEveryTarget([&] {
        const auto device = openCpu(1);
        const Array got = toArray(softmax(toTensor(*device, x, DType::F32)));
        CHECK(got[1] == 0);
        CHECK(got[3] == 0);
        CHECK(got[0] == got[4]);
        CHECK(got[2] == doctest::Approx(std::exp(-1) / (2 + std::exp(-1))).epsilon(1e-6));
        CHECK(got[7] == 1);
        CHECK(got[5] == 0);
        for (int64_t i = 10; i < 15; ++i) CHECK(std::isnan(got[i]));
    });
}
