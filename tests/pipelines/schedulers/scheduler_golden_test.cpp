// Every scheduler against the diffusers class that it is named after. Golden numbers:
// tests/golden/generate_schedulers.py, which also says what the stand-in for the denoiser is.

#include "kernels/backend/device.h"
#include "kernels/meta/meta_backend.h"
#include "kernels/ops/elementwise.h"
#include "pipelines/schedulers/scheduler.h"
#include "tests/support/golden_file.h"
#include "tests/support/host_backend.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace kinora::pipelines;
using kinora::kernels::Device;
using kinora::kernels::DType;
using kinora::kernels::Shape;
using kinora::kernels::Tensor;
using kinora::test::GoldenFile;
using kinora::test::relativeError;
using nlohmann::json;

namespace {

constexpr double kTolerance = 1e-5;
constexpr size_t kHeight = 3, kWidth = 4, kChannels = 2, kValues = 24;

// Where value i of the flat NCHW picture stands in NHWC.
size_t inNhwc(size_t i) {
    return i % (kHeight * kWidth) * kChannels + i / (kHeight * kWidth);
}

std::vector<float> planes(Device& device, const Tensor& latents) {
    const std::vector<float> values = device.toHost<float>(latents);
    std::vector<float> ordered(kValues);
    for (size_t i = 0; i < kValues; ++i) ordered[i] = values.at(inNhwc(i));
    return ordered;
}

Tensor denoise(Device& device, const Tensor& sample, double timestep) {
    const std::vector<float> x = planes(device, sample);
    std::vector<float> out(kValues);
    for (size_t i = 0; i < kValues; ++i)
        out[inNhwc(i)] =
            static_cast<float>(0.35 * x[i] + 0.2 * x[(i + kValues - 1) % kValues] +
                               (0.4 + 0.0005 * timestep) * std::sin(static_cast<double>(i) + 1));
    return device.fromHost(out.data(), sample.shape(), DType::F32);
}

SchedulerOptions optionsOf(const json& entry) {
    return {entry.at("steps"), entry.at("schedule"), entry.at("eta")};
}

void compare(const char* sampler, const json& entry, const std::vector<float>& golden) {
    Device device(kinora::test::hostBackend(), {});
    const auto scheduler = makeScheduler(sampler, entry.at("config"), optionsOf(entry));
    const auto calls = entry.at("calls").get<size_t>();
    REQUIRE(scheduler->callCount() == static_cast<int>(calls));
    const double startSigma = entry.at("startSigma");
    CHECK(std::abs(scheduler->initialNoiseSigma() - startSigma) <= kTolerance * startSigma);

    BatchNoise noise("torch-cpu", entry.at("seed"), 1);
    const Tensor start = noise.draw(device, kHeight, kWidth, kChannels);
    Tensor latents = kinora::kernels::linearCombination({{scheduler->initialNoiseSigma(), start}});
    std::vector<float> first;
    for (int call = 0; call < scheduler->callCount(); ++call) {
        const double expected = golden.at(static_cast<size_t>(call));
        CHECK(std::abs(scheduler->timestep(call) - expected) <= 1e-6 * std::abs(expected) + 1e-4);
        const Tensor input = scheduler->scaleModelInput(latents, call);
        latents = scheduler->step(denoise(device, input, scheduler->timestep(call)), call, latents,
                                  noise);
        if (call == 0) first = planes(device, scheduler->denoised());
    }
    auto at = golden.begin() + static_cast<std::ptrdiff_t>(calls);
    if (entry.at("denoised")) {
        CHECK(relativeError(first, {at, at + kValues}) <= kTolerance);
        at += kValues;
    }
    CHECK(relativeError(planes(device, latents), {at, golden.end()}) <= kTolerance);
}

void compareAll(const char* sampler, size_t fewest) {
    const GoldenFile file(std::string("schedulers/") + sampler + ".safetensors");
    const json cases = json::parse(file.metadata("cases"));
    CHECK(cases.size() >= fewest);
    for (const auto& [name, entry] : cases.items()) {
        CAPTURE(entry.dump());
        compare(sampler, entry, file.floats(name));
    }
}

} // namespace

TEST_CASE("ddim equals DDIMScheduler") {
    compareAll("ddim", 70);
}
TEST_CASE("euler equals EulerDiscreteScheduler") {
    compareAll("euler", 110);
}
TEST_CASE("euler_a equals EulerAncestralDiscreteScheduler") {
    compareAll("euler_a", 50);
}
TEST_CASE("dpmpp_2m equals DPMSolverMultistepScheduler") {
    compareAll("dpmpp_2m", 150);
}
TEST_CASE("lcm equals LCMScheduler") {
    compareAll("lcm", 20);
}

TEST_CASE("every sampler and schedule runs on the meta back end") {
    Device device(kinora::kernels::metaBackend(), {});
    for (const SchedulerInfo& info : schedulers())
        for (std::string_view schedule : info.schedules) {
            CAPTURE(info.name);
            CAPTURE(schedule);
            const auto scheduler =
                makeScheduler(info.name, json::object(), {4, std::string(schedule), 0.5});
            BatchNoise noise("torch-cpu", 0, 2);
            Tensor latents = noise.draw(device, 64, 32, 4);
            for (int call = 0; call < scheduler->callCount(); ++call)
                latents = scheduler->step(scheduler->scaleModelInput(latents, call), call, latents,
                                          noise);
            CHECK((latents.shape() == Shape{2, 64, 32, 4}));
            CHECK((scheduler->denoised().shape() == Shape{2, 64, 32, 4}));
        }
}
