// Winograd's convolution by kernels that are transformed as they are used, against the definition
// in double precision; winograd_test.cpp has PyTorch's numbers.

#include "kernels/cpu/winograd_plain.h"
#include "tests/kernels/cpu/convolution.h"
#include "tests/kernels/cpu/every_target.h"

#include <doctest/doctest.h>

#include <cstddef>

namespace kinora::kernels::test {

namespace {

constexpr double kMost = 2e-5; // of the largest value

// More pairs of channels than are kept transformed; in a chunk of inputs less than the others.
constexpr int64_t kManyInputs = 1232, kManyOutputs = 1024;

} // namespace

TEST_CASE("large kernels, transformed as they are used, agree with the definition") {
    kinora::test::forEveryTarget([] {
        CpuFixture cpu;
        for (const Convolution& c :
             {Convolution{1, 3, 3, kManyInputs, kManyOutputs, 3, 1, 1, 1, 1, 1, 1},
              Convolution{2, 2, 5, kManyInputs, kManyOutputs, 3, 1, 2, 2, 1, 2, 3}})
            for (const Extras extras : {Extras::None, Extras::BiasAndResidual}) {
                Operands operands = operandsOf(c, extras);
                const std::vector<float> got = convolve(cpu, c, operands, DType::F32);
                CAPTURE(c.batch);
                CHECK(relativeError(got, reference(c, operands)) < kMost);
            }
    });
}

TEST_CASE("large kernels give the same bytes on any number of threads, in any picture") {
    // 66 tiles are two strips; on 7 threads each takes panels one by one.
    const Convolution c{1, 24, 41, kManyInputs, kManyOutputs, 3, 1, 1, 1, 1, 1, 1};
    Operands operands = operandsOf(c, Extras::BiasAndResidual);
    CpuFixture one(1);
    const std::vector<float> bytes = convolve(one, c, operands, DType::F32);
    for (const int threads : {2, 7}) {
        CpuFixture several(threads);
        CHECK(sameBytes(convolve(several, c, operands, DType::F32), bytes));
    }
    const Convolution top{1, 5, 41, kManyInputs, kManyOutputs, 3, 1, 1, 1, 1, 1, 1};
    const std::vector<float> some = convolve(one, top, operands, DType::F32);
    constexpr auto kWhole = static_cast<std::ptrdiff_t>(4 * 41 * kManyOutputs); // rows of a tile
    CHECK(std::equal(some.begin(), some.begin() + kWhole, bytes.begin()));
}

} // namespace kinora::kernels::test
