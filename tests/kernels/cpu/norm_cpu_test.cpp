// Norms against their definitions in double precision.

#include "kernels/ops/norm.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/reference_ops.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora::kernels;
using namespace kinora::test;

namespace {

constexpr DType kComputeDtypes[] = {DType::F32, DType::BF16, DType::F16};

struct NormCase {
    Shape shape;
    int groups;
};

// Primes, ones, channels beside the vector widths, groups that cross a strip of 512 channels.
const NormCase kGroupCases[] = {
    {{1, 1, 1, 1}, 1},     {{1, 1, 1, 4}, 2},    {{2, 3, 5, 7}, 7},     {{1, 7, 11, 6}, 3},
    {{3, 1, 13, 33}, 11},  {{2, 17, 19, 32}, 8}, {{1, 8, 8, 320}, 32},  {{1, 37, 41, 31}, 1},
    {{1, 4, 5, 1100}, 11}, {{2, 9, 1026}, 2},    {{2, 16}, 4},          {{1, 5, 3, 2, 24}, 6},
    {{1, 97, 3, 20}, 4},   {{0, 4, 4, 8}, 2},    {{1, 64, 64, 64}, 32},
};

Tensor optionalVector(Device& device, Array& values) {
    return values.values.empty() ? Tensor() : toTensor(device, values, DType::F32);
}

void checkGroupNorm(const NormCase& c, DType dtype, Activation activation, bool affine) {
    CAPTURE(toString(c.shape));
    CAPTURE(std::string(dtypeName(dtype)));
    const Shape channels{c.shape.last()};
    Array x = randomArray(c.shape, 1, -3, 5);
    for (double& value : x.values) value = rounded(value, dtype);
    Array scale = affine ? randomArray(channels, 2, 0.5, 2) : Array(Shape{0});
    Array shift = affine ? randomArray(channels, 3) : Array(Shape{0});
    const Array expected = reference::groupNorm(x, scale, shift, c.groups, 1e-5, activation);
    checkOp(
        [&](Device& device) {
            return groupNorm(toTensor(device, x, dtype), optionalVector(device, scale),
                             optionalVector(device, shift), c.groups, 1e-5f, activation);
        },
        expected, tolerance(dtype));
}

} // namespace

TEST_CASE("group norm is the definition's, for odd shapes in every dtype") {
    for (const NormCase& c : kGroupCases)
        for (const DType dtype : kComputeDtypes) checkGroupNorm(c, dtype, Activation::None, true);
}

TEST_CASE("group norm applies an activation, and does without scale and shift") {
    for (const Activation activation :
         {Activation::Silu, Activation::Gelu, Activation::Relu, Activation::Tanh}) {
        checkGroupNorm({{2, 5, 7, 30}, 5}, DType::F32, activation, true);
        checkGroupNorm({{2, 5, 7, 30}, 5}, DType::BF16, activation, false);
    }
    checkGroupNorm({{2, 5, 7, 30}, 5}, DType::F32, Activation::None, false);
}

TEST_CASE("a mean far above the spread costs group norm and layer norm few digits") {
    Array x = randomArray({1, 31, 33, 16}, 4, 999, 1001);
    const Array none(Shape{0});
    // x itself has a relative precision of 2^-24 here: 6e-5 of the spread.
    checkOp(
        [&](Device& device) {
            return groupNorm(toTensor(device, x, DType::F32), {}, {}, 4, 1e-5f);
        },
        reference::groupNorm(x, none, none, 4, 1e-5), 1e-4);
    checkOp(
        [&](Device& device) { return layerNorm(toTensor(device, x, DType::F32), {}, {}, 1e-5f); },
        reference::layerNorm(x, none, none, 1e-5), 1e-4);
}

TEST_CASE("group norm of a constant is its shift") {
    Array x({1, 40, 3, 8}, std::vector<double>(960, 7.25));
    Array shift = randomArray({8}, 5);
    Array expected(x.shape);
    for (int64_t i = 0; i < expected.elements(); ++i) expected[i] = shift[i % 8];
    checkOp(
        [&](Device& device) {
            return groupNorm(toTensor(device, x, DType::F32), {},
                             toTensor(device, shift, DType::F32), 2, 1e-5f);
        },
        expected, 1e-6);
}

TEST_CASE("NaN does not vanish in a norm") {
    Array x = randomArray({1, 5, 5, 8}, 6);
    x[17] = std::numeric_limits<double>::quiet_NaN();
    forEveryTarget([&] {
        const auto device = openCpu(2);
        const Tensor tensor = toTensor(*device, x, DType::F32);
        const Array group = toArray(groupNormSilu(tensor, {}, {}, 2, 1e-5f));
        CHECK(std::isnan(group[16])); // the same group
        CHECK(std::isfinite(group[20]));
        CHECK(std::isnan(toArray(layerNorm(tensor, {}, {}, 1e-5f))[16]));
        CHECK(std::isnan(toArray(rmsNorm(tensor, {}, 1e-5f))[16]));
    });
}

TEST_CASE("layer norm and RMS norm are the definitions', for odd widths in every dtype") {
    for (const Shape& shape : {Shape{1}, Shape{3, 1}, Shape{7}, Shape{5, 31}, Shape{2, 77, 33},
                               Shape{2, 3, 1024}, Shape{3, 1025}, Shape{2, 5003}, Shape{0, 8}})
        for (const DType dtype : kComputeDtypes) {
            CAPTURE(toString(shape));
            CAPTURE(std::string(dtypeName(dtype)));
            Array x = randomArray(shape, 7, -3, 5);
            for (double& value : x.values) value = rounded(value, dtype);
            Array scale = randomArray({shape.last()}, 8, 0.5, 2);
            Array shift = randomArray({shape.last()}, 9);
            checkOp(
                [&](Device& device) {
                    return layerNorm(toTensor(device, x, dtype),
                                     toTensor(device, scale, DType::F32),
                                     toTensor(device, shift, DType::F32), 1e-5f);
                },
                reference::layerNorm(x, scale, shift, 1e-5), tolerance(dtype));
            checkOp(
                [&](Device& device) {
                    return rmsNorm(toTensor(device, x, dtype), toTensor(device, scale, DType::F32),
                                   1e-6f);
                },
                reference::rmsNorm(x, scale, 1e-6), tolerance(dtype));
            const Array none(Shape{0});
            checkOp(
                [&](Device& device) {
                    return layerNorm(toTensor(device, x, dtype), {}, {}, 1e-5f);
                },
                reference::layerNorm(x, none, none, 1e-5), tolerance(dtype));
        }
}
