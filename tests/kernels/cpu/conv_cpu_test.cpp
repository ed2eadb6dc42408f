// Convolution against the definition in double precision.

#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

namespace kinora::kernels::test {

namespace {

struct Case {
    int64_t batch, height, width, inputs, outputs;
    int kernel, stride, dilation;
    int padTop, padLeft, padBottom, padRight;
};

struct Geometry {
    int64_t height, width; // of the output
};

Geometry geometryOf(const Case& c) {
    const int reach = c.dilation * (c.kernel - 1) + 1;
    return {(c.height + c.padTop + c.padBottom - reach) / c.stride + 1,
            (c.width + c.padLeft + c.padRight - reach) / c.stride + 1};
}

struct Operands {
    std::vector<float> input, weight, bias, residual;
};

double sumAt(const Case& c, const Operands& operands, int64_t picture, int64_t y, int64_t x,
             int64_t output) {
    double sum = 0;
    for (int ky = 0; ky < c.kernel; ++ky)
        for (int kx = 0; kx < c.kernel; ++kx) {
            const int64_t row = y * c.stride - c.padTop + ky * c.dilation;
            const int64_t column = x * c.stride - c.padLeft + kx * c.dilation;
            if (row < 0 || row >= c.height || column < 0 || column >= c.width) continue;
            const float* pixel = &operands.input[static_cast<size_t>(
                ((picture * c.height + row) * c.width + column) * c.inputs)];
            for (int64_t input = 0; input < c.inputs; ++input)
                sum += static_cast<double>(pixel[input]) *
                       operands.weight[static_cast<size_t>(
                           ((output * c.inputs + input) * c.kernel + ky) * c.kernel + kx)];
        }
    return sum;
}

std::vector<double> reference(const Case& c, const Operands& operands) {
    const auto [height, width] = geometryOf(c);
    std::vector<double> wanted;
    for (int64_t n = 0; n < c.batch; ++n)
        for (int64_t y = 0; y < height; ++y)
            for (int64_t x = 0; x < width; ++x)
                for (int64_t o = 0; o < c.outputs; ++o) {
                    double value = sumAt(c, operands, n, y, x, o);
                    if (!operands.bias.empty()) value += operands.bias[static_cast<size_t>(o)];
                    if (!operands.residual.empty()) value += operands.residual[wanted.size()];
                    wanted.push_back(value);
                }
    return wanted;
}

Conv2dArgs argsOf(const Case& c) {
    Conv2dArgs args{};
    args.kernelHeight = args.kernelWidth = c.kernel;
    args.strideHeight = args.strideWidth = c.stride;
    args.dilationHeight = args.dilationWidth = c.dilation;
    args.padTop = c.padTop;
    args.padLeft = c.padLeft;
    args.padBottom = c.padBottom;
    args.padRight = c.padRight;
    return args;
}

enum class Extras { None, Bias, BiasAndResidual };

Operands operandsOf(const Case& c, Extras extras) {
    const auto [height, width] = geometryOf(c);
    Operands operands;
    operands.input = randomValues(c.batch * c.height * c.width * c.inputs, 1);
    operands.weight = randomValues(c.outputs * c.inputs * c.kernel * c.kernel, 2);
    if (extras != Extras::None) operands.bias = randomValues(c.outputs, 3);
    if (extras == Extras::BiasAndResidual)
        operands.residual = randomValues(c.batch * height * width * c.outputs, 4);
    return operands;
}

// Rounds the operands to dtype and convolves them.
std::vector<float> convolve(CpuFixture& cpu, const Case& c, Operands& operands, DType dtype) {
    Device& device = cpu.device;
    const auto [height, width] = geometryOf(c);
    const Shape outputShape{c.batch, height, width, c.outputs};
    const Tensor input =
        makeTensor(device, {c.batch, c.height, c.width, c.inputs}, dtype, operands.input);
    const Tensor plain =
        makeTensor(device, {c.outputs, c.inputs, c.kernel, c.kernel}, dtype, operands.weight);
    const Weight weight = Weight::pack(WeightKind::Conv2d, plain, c.stride);
    const Tensor output = device.empty(outputShape, dtype);
    Conv2dArgs args = argsOf(c);
    args.input = ref(input);
    args.weight = weight.packed();
    args.output = ref(output);
    Tensor bias;
    Tensor residual;
    if (!operands.bias.empty()) {
        bias = makeTensor(device, {c.outputs}, DType::F32, operands.bias);
        args.bias = ref(bias);
    }
    if (!operands.residual.empty()) {
        residual = makeTensor(device, outputShape, dtype, operands.residual);
        args.residual = ref(residual);
    }
    device.check(cpu.table().conv2d(cpu.context(), &args), "conv2d");
    return valuesOf(device, output);
}

std::vector<Case> oddShapes() {
    std::vector<Case> cases{
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
        for (const Case& c : oddShapes())
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
    // 96 channels want another layout below 12 x 12 on AVX-512: the weight moves there and back.
    CpuFixture cpu;
    const auto sized = [](int64_t extent) {
        return Case{2, extent, extent, 96, 96, 3, 1, 1, 1, 1, 1, 1};
    };
    Operands first = operandsOf(sized(16), Extras::Bias);
    const Tensor plain = makeTensor(cpu.device, {96, 96, 3, 3}, DType::F32, first.weight);
    const Weight shared = Weight::pack(WeightKind::Conv2d, plain);
    const Tensor bias = makeTensor(cpu.device, {96}, DType::F32, first.bias);
    const size_t bytes = shared.sizeBytes();
    for (const int64_t extent : {16, 4, 16, 8, 4}) {
        const Case c = sized(extent);
        Operands operands = operandsOf(c, Extras::Bias);
        const Tensor input =
            makeTensor(cpu.device, {c.batch, extent, extent, 96}, DType::F32, operands.input);
        const Tensor output = cpu.device.empty({c.batch, extent, extent, 96}, DType::F32);
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
    // 1.4e10 * 2 operations: two bands or more.
    const Case c{1, 130, 128, 320, 320, 3, 1, 1, 1, 1, 1, 1};
    Operands operands = operandsOf(c, Extras::BiasAndResidual);
    const std::vector<float> got = convolve(cpu, c, operands, DType::F32);
    double difference = 0;
    for (int64_t y = 0; y < 130; ++y) // one column of pixels, some channels
        for (const int64_t o : {0, 7, 319}) {
            const auto at = static_cast<size_t>((y * 128 + 64) * 320 + o);
            const double wanted = sumAt(c, operands, 0, y, 64, o) +
                                  operands.bias[static_cast<size_t>(o)] + operands.residual[at];
            difference = std::max(difference, std::abs(got[at] - wanted));
        }
    CHECK(difference < 1e-3); // values reach 100
}

TEST_CASE("convolution computes the same bytes again") {
    CpuFixture cpu;
    const Case c{2, 16, 16, 96, 96, 3, 1, 1, 1, 1, 1, 1};
    Operands operands = operandsOf(c, Extras::BiasAndResidual);
    const std::vector<float> once = convolve(cpu, c, operands, DType::F32);
    CHECK(sameBytes(once, convolve(cpu, c, operands, DType::F32)));
    CpuFixture fresh;
    CHECK(sameBytes(once, convolve(fresh, c, operands, DType::F32)));
}

} // namespace kinora::kernels::test
