// Matrix products against the definition in double precision.

#include "tests/kernels/cpu/cpu_fixture.h"
#include "tests/kernels/cpu/linear_cases.h"

#include <doctest/doctest.h>

namespace kinora::kernels::test {

namespace {

std::vector<LinearCase> oddShapes() {
    std::vector<LinearCase> cases{{1, 1, 1},    {300, 320, 17}, {129, 17, 320}, {77, 320, 320},
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
        for (const LinearCase& c : oddShapes())
            for (const bool bias : {false, true})
                for (const bool residual : {false, true}) {
                    LinearOperands operands = operandsOf(c, bias, residual);
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
                const LinearCase c{33, 20, 70};
                LinearOperands operands = operandsOf(c, true, residual);
                const auto got = linear(cpu, c, operands, dtype, activation);
                CAPTURE(static_cast<int>(activation));
                CAPTURE(residual);
                CAPTURE(dtypeName(dtype));
                CHECK(relativeError(got, reference(c, operands, activation)) < tolerance(dtype));
            }
}

TEST_CASE("linear gates one half of its outputs by the other") {
    CpuFixture cpu;
    for (const DType dtype : computeTypes())
        for (const Activation activation : {Activation::Gelu, Activation::Silu})
            for (const LinearCase& c : {LinearCase{33, 20, 70}, LinearCase{9, 64, 128}}) {
                LinearOperands operands = operandsOf(c, true, false);
                const auto got = linear(cpu, c, operands, dtype, activation, Gated::Yes);
                CAPTURE(c.outputs);
                CAPTURE(dtypeName(dtype));
                CHECK(relativeError(got, gatedReference(c, operands, activation)) <
                      tolerance(dtype));
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
    const LinearCase c{300, 320, 320};
    CpuFixture cpu;
    LinearOperands operands = operandsOf(c, true, true);
    const auto once = linear(cpu, c, operands, DType::F32, Activation::Silu);
    CHECK(sameBytes(once, linear(cpu, c, operands, DType::F32, Activation::Silu)));
    CpuFixture fresh;
    CHECK(sameBytes(once, linear(fresh, c, operands, DType::F32, Activation::Silu)));
}

} // namespace kinora::kernels::test
