// Winograd's convolution against the definition in double precision. All weights here are of the
// kind that is kept for it.

#include "kernels/cpu/winograd.h"
#include "kernels/meta/meta_backend.h"
#include "kernels/ops/conv.h"
#include "tests/kernels/cpu/convolution.h"
#include "tests/kernels/cpu/every_target.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

#include <optional>

namespace kinora::kernels::test {

namespace {

constexpr double kMost = 2e-5; // of the largest value

std::vector<Convolution> shapes() {
    return {
        {1, 3, 3, 64, 64, 3, 1, 1, 0, 0, 0, 0},  {1, 1, 1, 64, 64, 3, 1, 1, 1, 1, 1, 1},
        {1, 4, 4, 64, 96, 3, 1, 1, 1, 1, 1, 1},  {2, 5, 9, 96, 64, 3, 1, 1, 1, 1, 1, 1},
        {3, 7, 6, 64, 64, 3, 1, 1, 0, 1, 0, 1},  {1, 8, 13, 80, 64, 3, 1, 1, 1, 0, 0, 2},
        {2, 9, 10, 64, 64, 3, 1, 1, 0, 0, 0, 0}, {1, 2, 3, 64, 64, 3, 1, 1, 5, 4, 6, 3},
        {1, 11, 7, 64, 64, 3, 1, 2, 2, 2, 2, 2}, {2, 13, 9, 64, 64, 3, 1, 3, 3, 3, 3, 3},
        {1, 17, 1, 64, 64, 3, 1, 1, 1, 1, 1, 1}, {1, 1, 18, 64, 64, 3, 1, 2, 2, 2, 2, 2},
    };
}

// As tests/golden/generate_convolution.py has it.
std::vector<float> goldenValues(int64_t count, uint32_t seed) {
    std::vector<float> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i) {
        uint32_t mixed = (static_cast<uint32_t>(i) + seed) * 0x9e3779b1u;
        mixed = (mixed ^ (mixed >> 15)) * 0x85ebca77u;
        mixed = (mixed ^ (mixed >> 13)) * 0xc2b2ae3du;
        mixed ^= mixed >> 16;
        values[i] = static_cast<float>(mixed >> 8) / 8388608.0f - 1.0f;
    }
    return values;
}

} // namespace

TEST_CASE("Winograd's convolution agrees with the definition over odd shapes") {
    kinora::test::forEveryTarget([] {
        CpuFixture cpu;
        for (const Convolution& c : shapes())
            for (const Extras extras : {Extras::None, Extras::Bias, Extras::BiasAndResidual}) {
                Operands operands = operandsOf(c, extras);
                const std::vector<float> got = convolve(cpu, c, operands, DType::F32);
                CAPTURE(c.batch);
                CAPTURE(c.height);
                CAPTURE(c.width);
                CAPTURE(c.inputs);
                CAPTURE(c.outputs);
                CAPTURE(c.dilation);
                CHECK(relativeError(got, reference(c, operands)) < kMost);
            }
    });
}

TEST_CASE("Winograd's convolution computes the same bytes on any number of threads") {
    // Strips of the whole team; strips of each thread's own.
    for (const Convolution& c : {Convolution{2, 13, 22, 96, 192, 3, 1, 1, 1, 1, 1, 1},
                                 Convolution{1, 90, 87, 64, 64, 3, 1, 1, 1, 1, 1, 1}}) {
        Operands operands = operandsOf(c, Extras::BiasAndResidual);
        CpuFixture one(1);
        const std::vector<float> bytes = convolve(one, c, operands, DType::F32);
        for (const int threads : {2, 3, 7}) {
            CpuFixture several(threads);
            CHECK(sameBytes(convolve(several, c, operands, DType::F32), bytes));
        }
    }
}

TEST_CASE("Winograd's convolution loses a digit at the channels of a UNet, and no more") {
    CpuFixture cpu;
    const Convolution c{1, 12, 12, 640, 64, 3, 1, 1, 1, 1, 1, 1};
    Operands operands = operandsOf(c, Extras::None);
    const std::vector<float> got = convolve(cpu, c, operands, DType::F32);
    CHECK(relativeError(got, reference(c, operands)) < 1e-5);
}

TEST_CASE("Winograd's convolution agrees with PyTorch at sizes of SD 1.5's UNet") {
    struct {
        int64_t pixels, channels;
        const char* name;
    } const cases[] = {{32, 320, "320"}, {10, 1280, "1280"}};
    CpuFixture cpu;
    for (const auto& [pixels, channels, name] : cases) {
        const Convolution c{1, pixels, pixels, channels, channels, 3, 1, 1, 1, 1, 1, 1};
        const int64_t elements = pixels * pixels * channels;
        Operands operands{goldenValues(elements, 1000), goldenValues(channels * channels * 9, 2000),
                          goldenValues(channels, 3000), goldenValues(elements, 4000)};
        const std::vector<float> got = convolve(cpu, c, operands, DType::F32);
        std::vector<float> some;
        for (int64_t pixel = 0; pixel < pixels * pixels; ++pixel)
            for (int64_t channel = 3; channel < channels; channel += 37)
                some.push_back(got[static_cast<size_t>(pixel * channels + channel)]);
        const auto wanted = kinora::test::GoldenFile("convolution.safetensors").floats(name);
        CAPTURE(channels);
        CHECK(kinora::test::relativeError(some, wanted) < 1e-5);
    }
}

TEST_CASE("Winograd's convolution is right at the seams of its strips") {
    CpuFixture cpu;
    // 2812 tiles in strips of 56, each thread's own; 650 tiles in two strips of the team.
    for (const Convolution& c : {Convolution{2, 150, 146, 64, 64, 3, 1, 1, 1, 1, 1, 1},
                                 Convolution{1, 104, 99, 128, 160, 3, 1, 1, 1, 1, 1, 1}}) {
        Operands operands = operandsOf(c, Extras::BiasAndResidual);
        const std::vector<float> got = convolve(cpu, c, operands, DType::F32);
        std::vector<float> some; // one channel of each pixel
        std::vector<double> wanted;
        for (int64_t n = 0; n < c.batch; ++n)
            for (int64_t y = 0; y < c.height; ++y)
                for (int64_t x = 0; x < c.width; ++x) {
                    const int64_t o = (x * 7 + y) % c.outputs;
                    const auto at =
                        static_cast<size_t>(((n * c.height + y) * c.width + x) * c.outputs + o);
                    some.push_back(got[at]);
                    wanted.push_back(sumAt(c, operands, n, y, x, o) +
                                     operands.bias[static_cast<size_t>(o)] + operands.residual[at]);
                }
        CHECK(relativeError(some, wanted) < kMost);
    }
}

TEST_CASE("weights are kept for Winograd's convolution by their extents alone") {
    constexpr std::optional<WeightForm> kNot = std::nullopt;
    struct {
        Shape kernels;
        DType dtype;
        int stride;
        std::optional<WeightForm> kept;
    } const cases[] = {
        {{64, 64, 3, 3}, DType::F32, 1, WeightForm::Winograd},
        {{64, 96, 3, 3}, DType::F32, 1, WeightForm::Winograd},
        {{32, 32, 3, 3}, DType::F32, 1, WeightForm::Winograd},
        {{640, 1920, 3, 3}, DType::F32, 1, WeightForm::Winograd},
        {{1280, 1280, 3, 3}, DType::F32, 1, WeightForm::WinogradPlain},
        {{64, 64, 3, 3}, DType::F32, 2, kNot},
        {{1280, 1280, 3, 3}, DType::F32, 2, kNot},
        {{64, 64, 3, 3}, DType::BF16, 1, kNot},
        {{64, 64, 5, 5}, DType::F32, 1, kNot},
        {{64, 64, 1, 1}, DType::F32, 1, kNot},
        {{64, 16, 3, 3}, DType::F32, 1, kNot},
        {{4, 320, 3, 3}, DType::F32, 1, kNot},
        {{72, 64, 3, 3}, DType::F32, 1, kNot},
        {{64, 72, 3, 3}, DType::F32, 1, kNot},
    };
    const BackendTable planning = cpuPlanBackend(metaBackend());
    Device plan(planning, {.threads = 2});
    for (const auto& c : cases) {
        if (cpuBackend().supports(0, c.dtype) != Status::Ok) continue;
        CAPTURE(toString(c.kernels));
        const Weight weight =
            Weight::pack(WeightKind::Conv2d, plan.empty(c.kernels, c.dtype), c.stride);
        CHECK(cpu::winogradForm(*weight.packed(), c.stride) == c.kept);
        if (c.kept) CHECK(weight.packed()->form == *c.kept);
        CHECK(weight.isForWinograd() == c.kept.has_value());
    }
    CHECK_FALSE(Weight().isForWinograd());
}

TEST_CASE("a plan tells Winograd's convolutions from others") {
    const BackendTable planning = cpuPlanBackend(metaBackend());
    Device plan(planning, {.threads = 2});
    const Tensor input = plan.empty({1, 8, 8, 64}, DType::F32);
    const auto classOf = [&](int stride) {
        const Weight weight =
            Weight::pack(WeightKind::Conv2d, plan.empty({64, 64, 3, 3}, DType::F32), stride);
        plan.startRecording();
        conv2d(input, weight, {}, {.stride = stride, .padding = {}});
        return plan.stopRecording().at(0).workClass;
    };
    CHECK(classOf(1) == WorkClass::WinogradConvolution);
    CHECK(classOf(2) == WorkClass::Convolution);
}

TEST_CASE("a transformed weight is four times as large, planned too") {
    const BackendTable planning = cpuPlanBackend(metaBackend());
    Device plan(planning, {.threads = 2});
    CpuFixture cpu;
    std::vector<float> values = randomValues(int64_t{64} * 96 * 9, 1);
    const Shape shape{64, 96, 3, 3};
    const Weight real =
        Weight::pack(WeightKind::Conv2d, makeTensor(cpu.device, shape, DType::F32, values));
    const Weight planned = Weight::pack(WeightKind::Conv2d, plan.empty(shape, DType::F32));
    CHECK(real.sizeBytes() == size_t{64} * 96 * 36 * sizeof(float));
    CHECK(planned.sizeBytes() == real.sizeBytes());
}

TEST_CASE("a weight that was packed for stride 1 refuses another stride in words") {
    CpuFixture cpu;
    std::vector<float> values = randomValues(int64_t{64} * 64 * 9, 1);
    const Weight weight = Weight::pack(WeightKind::Conv2d,
                                       makeTensor(cpu.device, {64, 64, 3, 3}, DType::F32, values));
    std::vector<float> pixels = randomValues(8 * 8 * 64, 2);
    const Tensor input = makeTensor(cpu.device, {1, 8, 8, 64}, DType::F32, pixels);
    const Tensor output = cpu.device.empty({1, 4, 4, 64}, DType::F32);
    Conv2dArgs args = argsOf({1, 8, 8, 64, 64, 3, 2, 1, 1, 1, 1, 1});
    args.input = ref(input);
    args.weight = weight.packed();
    args.output = ref(output);
    CHECK(cpu.table().conv2d(cpu.context(), &args) == Status::Failed);
    CHECK(std::string(cpu.table().lastError(cpu.context())).find("stride 1") != std::string::npos);
}

} // namespace kinora::kernels::test
