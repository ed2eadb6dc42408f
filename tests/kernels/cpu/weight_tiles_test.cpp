// Linear ops and convolutions by tiles against the definition in double precision. Where the
// processor has no AMX, or may not use it, the same cases test oneDNN's way.

#include "kernels/cpu/bf16_tiles.h"
#include "kernels/cpu/weight_tiles.h"
#include "tests/kernels/cpu/convolution.h"
#include "tests/kernels/cpu/linear_cases.h"

#include <doctest/doctest.h>

namespace kinora::kernels::test {

namespace {

// Tails of rows and of columns; one, two and three chunks of depth; more panels than are kept.
constexpr LinearCase kCases[] = {{1, 32, 1},      {15, 64, 16},   {16, 320, 17},  {17, 352, 31},
                                 {32, 1280, 32},  {33, 1312, 33}, {77, 768, 96},  {300, 96, 48},
                                 {257, 32, 40},   {513, 64, 700}, {48, 2592, 47}, {1, 3840, 1300},
                                 {290, 1344, 650}};

bool hasBf16() {
    if (computeTypes().back() != DType::BF16) {
        MESSAGE("skipped: this processor does not compute in bf16");
        return false;
    }
    if (cpu::tileUnit() != cpu::TileUnit::Amx)
        MESSAGE("by oneDNN: this processor has no AMX, or may not use it");
    return true;
}

bool hasTiles() {
    if (cpu::tileUnit() == cpu::TileUnit::Amx) return true;
    MESSAGE("skipped: this processor has no AMX, or may not use it");
    return false;
}

// One rounding to bf16 is the whole difference: of the result, which its residual may cancel.
double largestError(const std::vector<float>& got, const std::vector<double>& wanted) {
    double largest = 0;
    for (size_t i = 0; i < got.size(); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - wanted[i]);
        largest = std::max(largest, error / (std::abs(wanted[i]) + 0.1));
    }
    return largest;
}

} // namespace

TEST_CASE("linear by tiles is the definition, rounded once") {
    if (!hasBf16()) return;
    CpuFixture cpu;
    for (const LinearCase& c : kCases)
        for (const bool bias : {false, true})
            for (const bool residual : {false, true}) {
                LinearOperands operands = operandsOf(c, bias, residual);
                const auto got = linear(cpu, c, operands, DType::BF16, Activation::None);
                CAPTURE(c.rows);
                CAPTURE(c.inputs);
                CAPTURE(c.outputs);
                CAPTURE(bias);
                CAPTURE(residual);
                CHECK(largestError(got, reference(c, operands, Activation::None)) < 0.0045);
            }
}

TEST_CASE("each activation comes between the bias and the residual") {
    if (!hasBf16()) return;
    CpuFixture cpu;
    for (const Activation activation : kActivations)
        for (const bool bias : {false, true})
            for (const bool residual : {false, true}) {
                const LinearCase c{67, 64, 75};
                LinearOperands operands = operandsOf(c, bias, residual);
                const auto got = linear(cpu, c, operands, DType::BF16, activation);
                CAPTURE(static_cast<int>(activation));
                CAPTURE(bias);
                CAPTURE(residual);
                CHECK(largestError(got, reference(c, operands, activation)) < 0.0045);
            }
}

TEST_CASE("one half of the outputs gates the other, rounded once where it is done by tiles") {
    if (!hasBf16()) return;
    const double most = cpu::tileUnit() == cpu::TileUnit::Amx ? 0.0045 : 0.03;
    CpuFixture cpu;
    // More panels than are kept, two chunks of depth; tails of rows; halves that are no whole
    // panels, which are gated afterwards.
    for (const LinearCase& c : {LinearCase{33, 96, 64}, LinearCase{77, 1344, 1408},
                                LinearCase{290, 320, 640}, LinearCase{5, 64, 96}})
        for (const bool bias : {false, true}) {
            LinearOperands operands = operandsOf(c, bias, false);
            for (float& value : operands.weight) value *= 0.1f;
            const auto got = linear(cpu, c, operands, DType::BF16, Activation::Gelu, Gated::Yes);
            CAPTURE(c.rows);
            CAPTURE(c.outputs);
            CAPTURE(bias);
            const bool whole = c.outputs % 64 == 0;
            CHECK(largestError(got, gatedReference(c, operands, Activation::Gelu)) <
                  (whole ? most : 0.03));
        }
}

TEST_CASE("by tiles, any number of threads gives the same bytes") {
    if (!hasTiles()) return;
    for (const LinearCase& c : kCases) {
        LinearOperands operands = operandsOf(c, true, true);
        CpuFixture one(1);
        const auto wanted = linear(one, c, operands, DType::BF16, Activation::Silu);
        for (const int threads : {2, 3, 6}) {
            CpuFixture several(threads);
            CAPTURE(threads);
            CAPTURE(c.rows);
            CHECK(sameBytes(wanted, linear(several, c, operands, DType::BF16, Activation::Silu)));
        }
    }
    const LinearCase c{77, 1344, 1408};
    LinearOperands operands = operandsOf(c, true, false);
    CpuFixture one(1), three(3);
    CHECK(sameBytes(linear(one, c, operands, DType::BF16, Activation::Gelu, Gated::Yes),
                    linear(three, c, operands, DType::BF16, Activation::Gelu, Gated::Yes)));
}

TEST_CASE("by tiles, a row does not depend on the rows beside it") {
    if (!hasTiles()) return;
    CpuFixture cpu;
    const LinearCase all{290, 1344, 70};
    const LinearOperands operands = operandsOf(all, true, true);
    LinearOperands rounded = operands;
    const auto wanted = linear(cpu, all, rounded, DType::BF16, Activation::None);
    for (const int64_t rows : {1, 31, 77, 256}) {
        const LinearCase some{rows, all.inputs, all.outputs};
        LinearOperands first = operands;
        first.input.resize(static_cast<size_t>(rows * all.inputs));
        first.residual.resize(static_cast<size_t>(rows * all.outputs));
        const auto got = linear(cpu, some, first, DType::BF16, Activation::None);
        CAPTURE(rows);
        CHECK(std::equal(got.begin(), got.end(), wanted.begin()));
    }
}

TEST_CASE("a cancelled linear op writes nothing") {
    if (!hasBf16()) return;
    CpuFixture cpu;
    std::vector<float> values = randomValues(64 * 64, 1);
    const Tensor input = makeTensor(cpu.device, {64, 64}, DType::BF16, values);
    const Weight weight = Weight::pack(WeightKind::Linear, input);
    std::vector<float> before(64 * 64, 3.0f);
    const Tensor output = makeTensor(cpu.device, {64, 64}, DType::BF16, before);
    LinearArgs args{};
    args.input = ref(input);
    args.weight = weight.packed();
    args.output = ref(output);
    CancelToken token;
    cpu.device.setCancelToken(token);
    token.cancel();
    CHECK(cpu.table().linear(cpu.context(), &args) == Status::Cancelled);
    cpu.device.setCancelToken({});
    CHECK(valuesOf(cpu.device, output) == before);
    CHECK(cpu.table().linear(cpu.context(), &args) == Status::Ok);
    CHECK(valuesOf(cpu.device, output) != before);
}

TEST_CASE("convolution by tiles is the definition, rounded once") {
    if (!hasBf16()) return;
    // oneDNN's may round before the residual is added.
    const double most = cpu::tileUnit() == cpu::TileUnit::Amx ? 0.0045 : 0.03;
    CpuFixture cpu;
    // Padding on all sides, strides, dilation, several pictures; rows that are no whole tiles.
    for (const Convolution& c : {Convolution{1, 5, 7, 736, 704, 3, 1, 1, 1, 1, 1, 1},
                                 Convolution{2, 6, 5, 704, 736, 3, 2, 1, 0, 1, 1, 0},
                                 Convolution{1, 7, 7, 704, 720, 3, 1, 2, 2, 2, 2, 2},
                                 Convolution{1, 5, 5, 64, 96, 1, 2, 1, 1, 0, 0, 1}})
        for (const Extras extras : {Extras::None, Extras::BiasAndResidual}) {
            Operands operands = operandsOf(c, extras);
            const std::vector<float> got = convolve(cpu, c, operands, DType::BF16);
            CAPTURE(c.inputs);
            CAPTURE(c.stride);
            CHECK(largestError(got, reference(c, operands)) < most);
        }
}

TEST_CASE("convolution by tiles gives the same bytes on any number of threads") {
    if (!hasTiles()) return;
    const Convolution c{1, 19, 20, 736, 704, 3, 1, 1, 1, 1, 1, 1};
    Operands operands = operandsOf(c, Extras::BiasAndResidual);
    CpuFixture one(1);
    const std::vector<float> bytes = convolve(one, c, operands, DType::BF16);
    for (const int threads : {2, 3, 6}) {
        CpuFixture several(threads);
        CHECK(sameBytes(convolve(several, c, operands, DType::BF16), bytes));
    }
}

TEST_CASE("which weights are kept in tiles, by their extents alone") {
    if (!hasTiles()) return;
    struct {
        Shape kernels;
        int stride;
        bool kept;
    } const cases[] = {
        {{1280, 1280, 3, 3}, 1, true}, {{1280, 1280, 3, 3}, 2, true},  {{640, 1920, 3, 3}, 1, true},
        {{320, 320, 3, 3}, 1, false},  {{1280, 1000, 3, 3}, 1, false}, {{33, 64, 1, 1}, 1, true},
        {{33, 64, 1, 1}, 2, true},     {{64, 33, 1, 1}, 1, false},
    };
    CpuFixture cpu;
    for (const auto& c : cases) {
        CAPTURE(toString(c.kernels));
        const Weight weight =
            Weight::pack(WeightKind::Conv2d, cpu.device.empty(c.kernels, DType::BF16), c.stride);
        CHECK((weight.packed()->form == WeightForm::Tiles) == c.kept);
        if (c.kept) CHECK(weight.sizeBytes() == weight.packed()->storage.sizeBytes());
    }
}

} // namespace kinora::kernels::test
