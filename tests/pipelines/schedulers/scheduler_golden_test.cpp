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

#include <algorithm>
#include <cmath>
#include <map>
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
    SchedulerOptions options{entry.at("steps"), entry.at("schedule"), entry.at("eta")};
    if (entry.at("family") == "xl") options.family = ModelFamily::StableDiffusionXl;
    return options;
}

// What runs from a picture begin with: 0.7 * pattern.
Tensor startPicture(Device& device) {
    std::vector<float> picture(kValues);
    for (size_t i = 0; i < kValues; ++i)
        picture[inNhwc(i)] = static_cast<float>(0.7 * std::sin(static_cast<double>(i) + 1));
    return device.fromHost(picture.data(), {1, kHeight, kWidth, kChannels}, DType::F32);
}

// The largest relative error of x0 and of the final latents.
double compare(std::string_view sampler, const json& entry, const std::vector<float>& golden) {
    Device device(kinora::test::hostBackend(), {});
    const auto scheduler = makeScheduler(sampler, entry.at("config"), optionsOf(entry));
    const int begin = entry.at("begin").get<int>() * scheduler->callsPerStep();
    const auto calls = entry.at("calls").get<size_t>();
    REQUIRE(scheduler->callCount() == static_cast<int>(calls) + begin);
    const double startSigma = entry.at("startSigma");
    CHECK(std::abs(scheduler->initialNoiseSigma() - startSigma) <= kTolerance * startSigma);

    BatchNoise noise("torch-cpu", entry.at("seed"), 1);
    const Tensor start = noise.draw(device, kHeight, kWidth, kChannels);
    Tensor latents =
        begin == 0 ? kinora::kernels::linearCombination({{scheduler->initialNoiseSigma(), start}})
                   : scheduler->addNoise(startPicture(device), start, begin);
    std::vector<float> first;
    for (int call = begin; call < scheduler->callCount(); ++call) {
        const double expected = golden.at(static_cast<size_t>(call - begin));
        CHECK(std::abs(scheduler->timestep(call) - expected) <= 1e-6 * std::abs(expected) + 1e-4);
        const Tensor input = scheduler->scaleModelInput(latents, call);
        latents = scheduler->step(denoise(device, input, scheduler->timestep(call)), call, latents,
                                  noise);
        if (call == begin) first = planes(device, scheduler->denoised());
    }
    auto at = golden.begin() + static_cast<std::ptrdiff_t>(calls);
    double error = 0;
    if (entry.at("denoised")) {
        error = relativeError(first, {at, at + kValues});
        at += kValues;
    }
    return std::max(error, relativeError(planes(device, latents), {at, golden.end()}));
}

// Every case of the sampler's file, and that it leaves out none of its schedules.
void compareAll(const SchedulerInfo& info) {
    const GoldenFile file("schedulers/" + std::string(info.name) + ".safetensors");
    const json cases = json::parse(file.metadata("cases"));
    CHECK(cases.size() >= 40);
    double largest = 0, largestRounding = 0;
    int rounded = 0;
    std::map<std::string, int> runs;
    for (const auto& [name, entry] : cases.items()) {
        CAPTURE(entry.dump());
        const double error = compare(info.name, entry, file.floats(name));
        ++runs[entry.at("schedule")];
        if (entry.at("begin") != 0) ++runs["from a picture"];
        // Where the reference's own float32 loses more, no better can be asked.
        const double rounding = entry.at("rounding");
        CHECK(error <= std::max(kTolerance, 2 * rounding));
        if (error <= kTolerance) {
            largest = std::max(largest, error);
        } else {
            largestRounding = std::max(largestRounding, rounding);
            ++rounded;
        }
    }
    std::string list;
    for (const auto& [what, count] : runs) list += ", " + std::to_string(count) + " " + what;
    MESSAGE(info.name << " against " << info.className << ": " << cases.size() - rounded
                      << " runs differ by " << largest << " at most, " << rounded
                      << " by the reference's own rounding (" << largestRounding << ")" << list);
    for (std::string_view schedule : info.schedules) CHECK(runs.contains(std::string(schedule)));
    CHECK(runs.contains("from a picture"));
}

} // namespace

TEST_CASE("every sampler equals its class in diffusers") {
    for (const SchedulerInfo& info : schedulers()) {
        CAPTURE(info.name);
        compareAll(info);
    }
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
