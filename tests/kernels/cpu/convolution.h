#pragma once
// Convolutions for the tests: their geometry, repeatable operands, the definition in double
// precision, and the CPU's result.

#include "tests/kernels/cpu/cpu_fixture.h"

namespace kinora::kernels::test {

struct Convolution {
    int64_t batch, height, width, inputs, outputs;
    int kernel, stride, dilation;
    int padTop, padLeft, padBottom, padRight;
};

struct Geometry {
    int64_t height, width; // of the output
};

inline Geometry geometryOf(const Convolution& c) {
    const int reach = c.dilation * (c.kernel - 1) + 1;
    return {(c.height + c.padTop + c.padBottom - reach) / c.stride + 1,
            (c.width + c.padLeft + c.padRight - reach) / c.stride + 1};
}

struct Operands {
    std::vector<float> input, weight, bias, residual;
};

inline double sumAt(const Convolution& c, const Operands& operands, int64_t picture, int64_t y,
                    int64_t x, int64_t output) {
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

inline std::vector<double> reference(const Convolution& c, const Operands& operands) {
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

inline Conv2dArgs argsOf(const Convolution& c) {
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

inline Operands operandsOf(const Convolution& c, Extras extras) {
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
inline std::vector<float> convolve(CpuFixture& cpu, const Convolution& c, Operands& operands,
                                   DType dtype) {
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
    const AddedOperands added(device, operands, outputShape, dtype, args);
    device.check(cpu.table().conv2d(cpu.context(), &args), "conv2d");
    return valuesOf(device, output);
}

} // namespace kinora::kernels::test
