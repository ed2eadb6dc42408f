// Convolution against the definition in double precision.

#include "tests/kernels/cpu/convolution.h"

#include <doctest/doctest.h>

namespace kinora::kernels::test {

namespace {

std::vector<Convolution> oddShapes() {
    std::vector<Convolution> cases{
        {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0},     {2, 5, 7, 3, 4, 1, 1, 1, 0, 0, 0, 0},
        {1, 6, 6, 17, 8, 1, 2, 1, 0, 0, 0, 0},    {1, 4, 4, 8, 5, 1, 1, 1, 1, 1, 1, 1},
        {3, 9, 8, 5, 17, 3, 1, 1, 1, 1, 1, 1},    {1, 8, 8, 4, 320, 3, 1, 1, 1, 1, 1, 1},
        {2, 8, 8, 320, 4, 3, 1, 1, 1, 1, 1, 1},   {1, 5, 9, 320, 320, 3, 1, 1, 1, 1, 1, 1},
        {2, 8, 8, 17, 17, 3, 2, 1, 1, 1, 1, 1},   {1, 8, 10, 8, 8, 3, 2, 1, 0, 0, 1, 1},
        {1, 9, 9, 320, 8, 3, 2, 1, 0, 0, 1, 1},   {1, 12, 13, 3, 17, 5, 1, 1, 2, 2, 2, 2},
        {2, 11, 14, 1, 3, 7, 2, 1, 3, 3, 3, 3},   {1, 12, 12, 8, 17, 3, 1, 2, 2, 2, 2, 2},
        {1, 13, 11, 4, 5, 5, 1, 3, 6, 6, 6, 6},   {2, 4, 4, 96, 96, 3, 1, 1, 1, 1, 1, 1},
        {1, 14, 15, 96, 96, 3, 1, 1, 1, 1, 1, 1}, {1, 3, 3, 5, 8, 7, 1, 1, 3, 3, 3, 3},
        {1, 2, 2, 4, 4, 3, 1, 1, 2, 0, 0, 2},     {1, 16, 3, 3, 8, 3, 1, 1, 0, 2, 1, 0},
    };
    for (const int64_t channels : {1, 3, 4, 5, 8, 17})
        for (const int kernel : {1, 3, 5, 7})
            for (const int stride : {1, 2}) {
                const int pad = kernel / 2;
                cases.push_back(
                    {1, 9, 7, channels, channels + 3, kernel, stride, 1, pad, pad, pad, pad});
            }
    return cases;
}

} // namespace

TEST_CASE("convolution agrees with its definition over odd shapes") {
    CpuFixture cpu;
    for (const DType dtype : computeTypes())
        for (const Convolution& c : oddShapes())
            for (const Extras extras : {Extras::None, Extras::Bias, Extras::BiasAndResidual}) {
                Operands operands = operandsOf(c, extras);
                const std::vector<float> got = convolve(cpu, c, operands, dtype);
                CAPTURE(c.batch);
                CAPTURE(c.height);
                CAPTURE(c.inputs);
                CAPTURE(c.outputs);
                CAPTURE(c.kernel);
                CAPTURE(c.stride);
                CAPTURE(c.dilation);
                CAPTURE(dtypeName(dtype));
                CHECK(relativeError(got, reference(c, operands)) < tolerance(dtype));
            }
}

TEST_CASE("a convolution weight serves every size, and what ran before changes nothing") {
    // These channels want another layout below 12 x 12 on AVX-512: the weight moves there and back.
    CpuFixture cpu;
    const auto sized = [](int64_t extent) {
        return Convolution{2, extent, extent, 96, 48, 3, 1, 1, 1, 1, 1, 1};
    };
    Operands first = operandsOf(sized(16), Extras::Bias);
    const Tensor plain = makeTensor(cpu.device, {48, 96, 3, 3}, DType::F32, first.weight);
    const Weight shared = Weight::pack(WeightKind::Conv2d, plain);
    const Tensor bias = makeTensor(cpu.device, {48}, DType::F32, first.bias);
    const size_t bytes = shared.sizeBytes();
    for (const int64_t extent : {16, 4, 16, 8, 4}) {
        const Convolution c = sized(extent);
        Operands operands = operandsOf(c, Extras::Bias);
        const Tensor input =
            makeTensor(cpu.device, {c.batch, extent, extent, 96}, DType::F32, operands.input);
        const Tensor output = cpu.device.empty({c.batch, extent, extent, 48}, DType::F32);
        Conv2dArgs args = argsOf(c);
        args.input = ref(input);
        args.weight = shared.packed();
        args.bias = ref(bias);
        args.output = ref(output);
        cpu.device.check(cpu.table().conv2d(cpu.context(), &args), "conv2d");
        const std::vector<float> alone = convolve(cpu, c, operands, DType::F32);
        CHECK(sameBytes(valuesOf(cpu.device, output), alone));
        CHECK(shared.sizeBytes() == bytes);
    }
}

TEST_CASE("a convolution that is long enough to be cut in bands is right at every seam") {
    CpuFixture cpu;
    // 1.5e10 * 2 operations: two bands or more. 304 outputs are no whole panels for Winograd's way.
    const Convolution c{1, 136, 128, 320, 304, 3, 1, 1, 1, 1, 1, 1};
    Operands operands = operandsOf(c, Extras::BiasAndResidual);
    const std::vector<float> got = convolve(cpu, c, operands, DType::F32);
    double difference = 0;
    for (int64_t y = 0; y < 136; ++y) // one column of pixels, some channels
        for (const int64_t o : {0, 7, 303}) {
            const auto at = static_cast<size_t>((y * 128 + 64) * 304 + o);
            const double wanted = sumAt(c, operands, 0, y, 64, o) +
                                  operands.bias[static_cast<size_t>(o)] + operands.residual[at];
            difference = std::max(difference, std::abs(got[at] - wanted));
        }
    CHECK(difference < 1e-3); // values reach 100
}

TEST_CASE("convolution computes the same bytes again") {
    CpuFixture cpu;
    const Convolution c{2, 16, 16, 96, 48, 3, 1, 1, 1, 1, 1, 1};
    Operands operands = operandsOf(c, Extras::BiasAndResidual);
    const std::vector<float> once = convolve(cpu, c, operands, DType::F32);
    CHECK(sameBytes(once, convolve(cpu, c, operands, DType::F32)));
    CpuFixture fresh;
    CHECK(sameBytes(once, convolve(fresh, c, operands, DType::F32)));
}

} // namespace kinora::kernels::test
