// Elementwise ops against their definitions in double precision.

#include "kernels/ops/elementwise.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/reference_ops.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>

using namespace kinora::kernels;
using namespace kinora::test;

namespace {

constexpr DType kComputeDtypes[] = {DType::F32, DType::BF16, DType::F16};
constexpr Activation kActivations[] = {
    Activation::None,     Activation::Silu,      Activation::Gelu,
    Activation::GeluTanh, Activation::QuickGelu, Activation::Relu,
    Activation::Sigmoid,  Activation::Tanh,      Activation::Mish};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The largest |a-b| / |b| over elements of which b is at least `smallest`.
double pointwiseError(const Array& a, const Array& b, double smallest) {
    double worst = 0;
    for (int64_t i = 0; i < b.elements(); ++i)
        if (std::fabs(b[i]) >= smallest)
            worst = std::max(worst, std::fabs(a[i] - b[i]) / std::fabs(b[i]));
    return worst;
}

} // namespace

TEST_CASE("activations are the definitions', for odd sizes in every dtype") {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{2, 3, 5, 7}, Shape{1031}, Shape{0, 3},
                               Shape{3, 11, 1024}, Shape{65537}})
        for (const DType dtype : kComputeDtypes)
            for (const Activation activation : kActivations) {
                CAPTURE(toString(shape));
                CAPTURE(std::string(dtypeName(dtype)));
                CAPTURE(static_cast<int>(activation));
                Array x = randomArray(shape, 1, -8, 8);
                for (double& value : x.values) value = rounded(value, dtype);
                checkOp(
                    [&](Device& device) {
                        return activate(toTensor(device, x, dtype), activation);
                    },
                    reference::activate(x, activation), tolerance(dtype));
            }
}

TEST_CASE("activations are within 2e-6 of every single value, also where it is small") {
    Array x(Shape{40001});
    for (int64_t i = 0; i < x.elements(); ++i)
        x[i] = static_cast<float>((static_cast<double>(i) - 20000) / 3000); // -6.7 to 6.7
    for (double scale : {1.0, 1e-3, 1e-6})
        for (const Activation activation : kActivations) {
            CAPTURE(static_cast<int>(activation));
            CAPTURE(scale);
            Array scaled = x;
            for (double& value : scaled.values) value = static_cast<float>(value * scale);
            const Array expected = reference::activate(scaled, activation);
            // e^(-x^2/2) of the exact GELU, and 1 + tanh of the other, lose digits in their tails.
            const bool tails = activation == Activation::Gelu || activation == Activation::GeluTanh;
            forEveryTarget([&] {
                const auto device = openCpu(2);
                const Array got =
                    toArray(activate(toTensor(*device, scaled, DType::F32), activation));
                CHECK(pointwiseError(got, expected, tails ? 1e-3 * scale : 0) <= 2e-6);
            });
        }
}

TEST_CASE("activations saturate, and keep NaN") {
    Array x(Shape{7}, {-kInfinity, -1e30, -100, 100, 1e30, kInfinity, std::nan("")});
    const double rest[] = {-1e30, -100, 100, 1e30};
    forEveryTarget([&] {
        const auto device = openCpu(1);
        for (const Activation activation : kActivations) {
            CAPTURE(static_cast<int>(activation));
            const Array got = toArray(activate(toTensor(*device, x, DType::F32), activation));
            CHECK(std::isnan(got[6]));
            for (int i = 0; i < 4; ++i) {
                const double expected = reference::activation(rest[i], activation);
                CHECK(got[i + 1] ==
                      doctest::Approx(static_cast<float>(expected)).epsilon(1e-6).scale(1e-20));
            }
        }
        const Array sigmoid =
            toArray(activate(toTensor(*device, x, DType::F32), Activation::Sigmoid));
        CHECK(sigmoid[0] == doctest::Approx(0).scale(1e-20));
        CHECK(sigmoid[5] == 1);
    });
}

TEST_CASE("gated units are the definitions', for odd widths in every dtype") {
    for (const Shape& shape :
         {Shape{2}, Shape{3, 14}, Shape{2, 5, 66}, Shape{7, 2050}, Shape{0, 4}, Shape{3, 2, 2560}})
        for (const DType dtype : kComputeDtypes)
            for (const Activation activation :
                 {Activation::Gelu, Activation::Silu, Activation::None}) {
                CAPTURE(toString(shape));
                Array x = randomArray(shape, 2, -4, 4);
                for (double& value : x.values) value = rounded(value, dtype);
                checkOp([&](Device& device) { return glu(toTensor(device, x, dtype), activation); },
                        reference::glu(x, activation), tolerance(dtype));
            }
}

TEST_CASE("arithmetic broadcasts as numpy's") {
    struct Pair {
        Shape a, b;
    };
    const Pair pairs[] = {
        {{5}, {5}},
        {{1}, {7}},
        {{}, {}},
        {{2, 3, 5, 7}, {2, 3, 5, 7}},
        {{2, 3, 5, 7}, {1, 1, 1, 7}},
        {{2, 3, 5, 7}, {2, 1, 1, 1}},
        {{2, 3, 5, 7}, {2, 1, 1, 7}},
        {{2, 3, 5, 7}, {1, 3, 1, 7}},
        {{1, 3, 1, 7}, {2, 1, 5, 1}},
        {{1, 1, 1, 1}, {2, 3, 1, 2}},
        {{2, 1031, 33}, {2, 1, 33}},
        {{1, 40000}, {3, 1}},
        {{0, 3}, {1, 3}},
    };
    for (const Pair& pair : pairs)
        for (const DType dtype : kComputeDtypes)
            for (const BinaryOp op : {BinaryOp::Add, BinaryOp::Subtract, BinaryOp::Multiply,
                                      BinaryOp::Divide, BinaryOp::LeakyRelu}) {
                CAPTURE(toString(pair.a));
                CAPTURE(toString(pair.b));
                Array a = randomArray(pair.a, 3), b = randomArray(pair.b, 4, 0.5, 3);
                for (double& value : a.values) value = rounded(value, dtype);
                for (double& value : b.values) value = rounded(value, dtype);
                checkOp(
                    [&](Device& device) {
                        const Tensor x = toTensor(device, a, dtype);
                        const Tensor y = toTensor(device, b, dtype);
                        switch (op) {
                        case BinaryOp::Add: return add(x, y);
                        case BinaryOp::Subtract: return subtract(x, y);
                        case BinaryOp::Multiply: return multiply(x, y);
                        case BinaryOp::Divide: return divide(x, y);
                        case BinaryOp::LeakyRelu: return leakyRelu(x, y);
                        }
                        return Tensor();
                    },
                    reference::binary(a, b, op), tolerance(dtype));
            }
}

TEST_CASE("arithmetic of two dtypes gives the first one's") {
    Array a = randomArray({3, 17}, 5), b = randomArray({1, 17}, 6);
    for (double& value : a.values) value = rounded(value, DType::BF16);
    checkOp(
        [&](Device& device) {
            const Tensor sum =
                add(toTensor(device, a, DType::BF16), toTensor(device, b, DType::F32));
            CHECK(sum.dtype() == DType::BF16);
            return sum;
        },
        reference::binary(a, b, BinaryOp::Add), tolerance(DType::BF16));
}

TEST_CASE("linear combinations are added up in double") {
    for (const int count : {1, 2, 3, 8})
        for (const Shape& shape : {Shape{1}, Shape{2, 3, 5, 7}, Shape{40009}, Shape{0}}) {
            std::vector<Array> arrays;
            std::vector<double> coefficients;
            Array expected(shape);
            for (int term = 0; term < count; ++term) {
                arrays.push_back(randomArray(shape, static_cast<uint32_t>(10 + term)));
                // Great ones that cancel: f32 sums would lose 1e5 of the digits.
                coefficients.push_back(term % 2 ? -1e5 - 0.3 * term : 1e5 + 0.7);
                for (int64_t i = 0; i < expected.elements(); ++i)
                    expected[i] += coefficients.back() * arrays.back()[term % 2 ? i : i];
            }
            if (count == 2) arrays[1] = arrays[0];
            if (count == 2)
                for (int64_t i = 0; i < expected.elements(); ++i)
                    expected[i] = (coefficients[0] + coefficients[1]) * arrays[0][i];
            checkOp(
                [&](Device& device) {
                    std::vector<Term> terms;
                    for (int term = 0; term < count; ++term)
                        terms.push_back(
                            {coefficients[static_cast<size_t>(term)],
                             toTensor(device, arrays[static_cast<size_t>(term)], DType::F32)});
                    return linearCombination(terms);
                },
                expected, 1e-7);
        }
}

TEST_CASE("clamp keeps what is inside, and NaN") {
    for (const DType dtype : kComputeDtypes) {
        Array x = randomArray({3, 1031}, 7);
        for (double& value : x.values) value = rounded(value, dtype);
        Array expected = x;
        for (double& value : expected.values) value = std::clamp(value, -0.5, 1.0);
        checkOp([&](Device& device) { return clamp(toTensor(device, x, dtype), -0.5f, 1.0f); },
                expected, 0);
    }
    Array special(Shape{3}, {std::nan(""), kInfinity, -kInfinity});
    forEveryTarget([&] {
        const auto device = openCpu(1);
        const Array got = toArray(clamp(toTensor(*device, special, DType::F32), -1, 2));
        CHECK(std::isnan(got[0]));
        CHECK(got[1] == 2);
        CHECK(got[2] == -1);
    });
}
