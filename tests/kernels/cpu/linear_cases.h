#pragma once
// Linear ops of random numbers, and what they give by the definition in double precision.

#include "tests/kernels/cpu/cpu_fixture.h"

#include <numbers>

namespace kinora::kernels::test {

inline double activated(double x, Activation activation) {
    switch (activation) {
    case Activation::None: return x;
    case Activation::Silu: return x / (1 + std::exp(-x));
    case Activation::Gelu: return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::GeluTanh:
        return 0.5 * x *
               (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::QuickGelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::Relu: return std::max(x, 0.0);
    case Activation::Sigmoid: return 1 / (1 + std::exp(-x));
    case Activation::Tanh: return std::tanh(x);
    case Activation::Mish: return x * std::tanh(std::log1p(std::exp(x)));
    }
    return x;
}

inline constexpr Activation kActivations[] = {
    Activation::None,     Activation::Silu,      Activation::Gelu,
    Activation::GeluTanh, Activation::QuickGelu, Activation::Relu,
    Activation::Sigmoid,  Activation::Tanh,      Activation::Mish};

struct LinearCase {
    int64_t rows, inputs, outputs;
};

struct LinearOperands {
    std::vector<float> input, weight, bias, residual;
};

inline LinearOperands operandsOf(const LinearCase& c, bool bias, bool residual) {
    LinearOperands operands;
    operands.input = randomValues(c.rows * c.inputs, 1);
    operands.weight = randomValues(c.outputs * c.inputs, 2);
    if (bias) operands.bias = randomValues(c.outputs, 3);
    if (residual) operands.residual = randomValues(c.rows * c.outputs, 4);
    return operands;
}

inline std::vector<double> reference(const LinearCase& c, const LinearOperands& operands,
                                     Activation activation) {
    std::vector<double> wanted;
    for (int64_t row = 0; row < c.rows; ++row)
        for (int64_t output = 0; output < c.outputs; ++output) {
            double sum = operands.bias.empty() ? 0.0 : operands.bias[static_cast<size_t>(output)];
            for (int64_t input = 0; input < c.inputs; ++input)
                sum += static_cast<double>(
                           operands.input[static_cast<size_t>(row * c.inputs + input)]) *
                       operands.weight[static_cast<size_t>(output * c.inputs + input)];
            sum = activated(sum, activation);
            if (!operands.residual.empty()) sum += operands.residual[wanted.size()];
            wanted.push_back(sum);
        }
    return wanted;
}

// The first half of each row times the activated second half.
inline std::vector<double> gatedReference(const LinearCase& c, const LinearOperands& operands,
                                          Activation activation) {
    const std::vector<double> all = reference(c, operands, Activation::None);
    const int64_t half = c.outputs / 2;
    std::vector<double> wanted;
    for (int64_t row = 0; row < c.rows; ++row)
        for (int64_t column = 0; column < half; ++column) {
            const auto at = static_cast<size_t>(row * c.outputs + column);
            wanted.push_back(all[at] * activated(all[at + static_cast<size_t>(half)], activation));
        }
    return wanted;
}

enum class Gated { No, Yes };

inline std::vector<float> linear(CpuFixture& cpu, const LinearCase& c, LinearOperands& operands,
                                 DType dtype, Activation activation, Gated gated = Gated::No) {
    Device& device = cpu.device;
    const Tensor input = makeTensor(device, {c.rows, c.inputs}, dtype, operands.input);
    const Tensor plain = makeTensor(device, {c.outputs, c.inputs}, dtype, operands.weight);
    const Weight weight = Weight::pack(WeightKind::Linear, plain);
    const int64_t columns = gated == Gated::Yes ? c.outputs / 2 : c.outputs;
    const Tensor output = device.empty({c.rows, columns}, dtype);
    LinearArgs args{};
    args.input = ref(input);
    args.weight = weight.packed();
    args.output = ref(output);
    args.activation = activation;
    args.gated = gated == Gated::Yes;
    const AddedOperands added(device, operands, {c.rows, c.outputs}, dtype, args);
    device.check(cpu.table().linear(cpu.context(), &args), "linear");
    return valuesOf(device, output);
}

} // namespace kinora::kernels::test
