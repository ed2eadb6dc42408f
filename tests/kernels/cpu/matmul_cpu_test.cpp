// Matrix products against the definition in double precision.

#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

#include <numbers>

namespace kinora::kernels::test {

namespace {

double activated(double x, Activation activation) {
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
    }
    return x;
}

constexpr Activation kActivations[] = {
    Activation::None,      Activation::Silu, Activation::Gelu,    Activation::GeluTanh,
    Activation::QuickGelu, Activation::Relu, Activation::Sigmoid, Activation::Tanh};

struct Case {
    int64_t rows, inputs, outputs;
};

struct Operands {
    std::vector<float> input, weight, bias, residual;
};

Operands operandsOf(const Case& c, bool bias, bool residual) {
    Operands operands;
    operands.input = randomValues(c.rows * c.inputs, 1);
    operands.weight = randomValues(c.outputs * c.inputs, 2);
    if (bias) operands.bias = randomValues(c.outputs, 3);
    if (residual) operands.residual = randomValues(c.rows * c.outputs, 4);
    return operands;
}

std::vector<double> reference(const Case& c, const Operands& operands, Activation activation) {
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

std::vector<float> linear(CpuFixture& cpu, const Case& c, Operands& operands, DType dtype,
                          Activation activation) {
    Device& device = cpu.device;
    const Tensor input = makeTensor(device, {c.rows, c.inputs}, dtype, operands.input);
    const Tensor plain = makeTensor(device, {c.outputs, c.inputs}, dtype, operands.weight);
    const Weight weight = Weight::pack(WeightKind::Linear, plain);
    const Tensor output = device.empty({c.rows, c.outputs}, dtype);
    LinearArgs args{};
    args.input = ref(input);
    args.weight = weight.packed();
    args.output = ref(output);
    args.activation = activation;
    Tensor bias;
    Tensor residual;
    if (!operands.bias.empty()) {
        bias = makeTensor(device, {c.outputs}, DType::F32, operands.bias);
        args.bias = ref(bias);
    }
    if (!operands.residual.empty()) {
        residual = makeTensor(device, {c.rows, c.outputs}, dtype, operands.residual);
        args.residual = ref(residual);
    }
    device.check(cpu.table().linear(cpu.context(), &args), "linear");
    return valuesOf(device, output);
}

std::vector<Case> oddShapes() {
    std::vector<Case> cases{{1, 1, 1},    {300, 320, 17}, {129, 17, 320}, {77, 320, 320},
                            {2, 320, 8},  {1, 320, 320},  {300, 8, 5},    {3, 128, 640},
                            {64, 96, 96}, {154, 160, 63}};
    for (const int64_t rows : {1, 2, 77, 129})
        for (const int64_t inputs : {1, 3, 4, 5, 8, 17})
            cases.push_back({rows, inputs, inputs + 2});
    return cases;
}

} // namespace

TEST_CASE("linear agrees with its definition over odd shapes") {
    CpuFixture cpu;
    for (const DType dtype : computeTypes())
        for (const Case& c : oddShapes())
            for (const bool bias : {false, true})
                for (const bool residual : {false, true}) {
                    Operands operands = operandsOf(c, bias, residual);
                    const auto got = linear(cpu, c, operands, dtype, Activation::None);
                    CAPTURE(c.rows);
                    CAPTURE(c.inputs);
                    CAPTURE(c.outputs);
                    CAPTURE(dtypeName(dtype));
                    CHECK(relativeError(got, reference(c, operands, Activation::None)) <
                          tolerance(dtype));
                }
}

TEST_CASE("linear applies each activation before it adds the residual") {
    CpuFixture cpu;
    for (const DType dtype : computeTypes())
        for (const Activation activation : kActivations)
            for (const bool residual : {false, true}) {
                const Case c{33, 20, 70};
                Operands operands = operandsOf(c, true, residual);
                const auto got = linear(cpu, c, operands, dtype, activation);
                CAPTURE(static_cast<int>(activation));
                CAPTURE(residual);
                CAPTURE(dtypeName(dtype));
                CHECK(relativeError(got, reference(c, operands, activation)) < tolerance(dtype));
            }
}

TEST_CASE("matmul agrees with its definition, transposed or not, scaled or not") {
    CpuFixture cpu;
    Device& device = cpu.device;
    struct Product {
        int64_t batch, m, k, n;
    };
    for (const DType dtype : computeTypes())
        for (const Product& p : {Product{1, 1, 1, 1}, Product{3, 5, 17, 8}, Product{2, 77, 40, 129},
                                 Product{1, 300, 3, 320}, Product{3, 2, 129, 1}})
            for (const bool transposed : {false, true})
                for (const float scale : {1.0f, 0.125f, -1.7f}) {
                    std::vector<float> a = randomValues(p.batch * p.m * p.k, 1);
                    std::vector<float> b = randomValues(p.batch * p.k * p.n, 2);
                    const Tensor left = makeTensor(device, {p.batch, p.m, p.k}, dtype, a);
                    const Shape bShape =
                        transposed ? Shape{p.batch, p.n, p.k} : Shape{p.batch, p.k, p.n};
                    const Tensor right = makeTensor(device, bShape, dtype, b);
                    const Tensor output = device.empty({p.batch, p.m, p.n}, dtype);
                    const MatmulArgs args{ref(left), ref(right), ref(output), transposed, scale};
                    device.check(cpu.table().matmul(cpu.context(), &args), "matmul");
                    std::vector<double> wanted;
                    for (int64_t item = 0; item < p.batch; ++item)
                        for (int64_t row = 0; row < p.m; ++row)
                            for (int64_t column = 0; column < p.n; ++column) {
                                double sum = 0;
                                for (int64_t k = 0; k < p.k; ++k) {
                                    const int64_t at = transposed ? (item * p.n + column) * p.k + k
                                                                  : (item * p.k + k) * p.n + column;
                                    sum +=
                                        static_cast<double>(
                                            a[static_cast<size_t>((item * p.m + row) * p.k + k)]) *
                                        b[static_cast<size_t>(at)];
                                }
                                wanted.push_back(scale * sum);
                            }
                    CAPTURE(p.m);
                    CAPTURE(p.k);
                    CAPTURE(p.n);
                    CAPTURE(transposed);
                    CAPTURE(dtypeName(dtype));
                    CHECK(relativeError(valuesOf(device, output), wanted) < tolerance(dtype));
                }
}

TEST_CASE("linear computes the same bytes again") {
    const Case c{300, 320, 320};
    CpuFixture cpu;
    Operands operands = operandsOf(c, true, true);
    const auto once = linear(cpu, c, operands, DType::F32, Activation::Silu);
    CHECK(sameBytes(once, linear(cpu, c, operands, DType::F32, Activation::Silu)));
    CpuFixture fresh;
    CHECK(sameBytes(once, linear(fresh, c, operands, DType::F32, Activation::Silu)));
}

} // namespace kinora::kernels::test
