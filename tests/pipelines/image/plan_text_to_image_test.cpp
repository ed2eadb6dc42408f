#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/image/resolve_request.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

constexpr int kThreads = 2;
const std::string kStarter = KINORA_SOURCE_DIR "/resources/models/starter-image";

ImageRequest request(int64_t size) {
    ImageRequest request;
    request.prompt = "flat emoji of a cat face";
    request.width = request.height = size;
    request.steps = 3;
    request.seed = 7;
    request.batch = 1;
    return request;
}

TextToImagePlanner plannerOf(const Model& model, DType compute = DType::F32) {
    static const kernels::BackendTable plan = kernels::cpuPlanBackend(kernels::metaBackend());
    return TextToImagePlanner(model, plan, compute, kThreads);
}

Machine machine(size_t freeBytes) {
    Machine machine;
    machine.device.freeMemoryBytes = freeBytes;
    machine.speed = {1e11, 1e11, 1e11, 1e11, 1e10, 1e-6, {1, 1, 1, 1, 1}};
    return machine;
}

} // namespace

TEST_CASE("the plan's peak is what the run then takes, whatever ran before") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const Model model = Model::open(kStarter);
    for (const DType compute : {DType::F32, DType::BF16}) {
        const auto device = backends.open("cpu", {.threads = kThreads});
        if (!device->supports(compute)) continue;
        TextToImagePlanner planner = plannerOf(model, compute);
        TextToImage pipeline(model, *device, compute);
        const size_t loading = device->arena().stats().peakReservedBytes;
        for (const int64_t size : {128, 384, 256}) {
            if (compute == DType::BF16 && size > 128) continue; // slow where it is emulated
            const ImageRequest resolved = resolveRequest(request(size), model);
            const Plan plan = planner.plan(resolved, machine(size_t{1} << 40));
            CHECK(plan.fits);
            CHECK(plan.weightBytes == device->weightBytes());

            device->arena().trim();
            device->arena().resetPeaks();
            pipeline.run(resolved, {});
            const size_t run = device->arena().stats().peakReservedBytes;
            CHECK(plan.peakBytes == device->weightBytes() + std::max(loading, run));
        }
    }
}

TEST_CASE("the plan's peak is the run's for every sampler's memory and every change of prompts") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = kThreads});
    const Model model = Model::open(test::goldenPath("tiny-sd1"));
    TextToImage pipeline(model, *device, DType::F32);
    TextToImagePlanner planner = plannerOf(model);
    std::string words;
    for (int i = 0; i < 100; ++i) words += "cat ";
    struct Case {
        std::string sampler, prompt, syntax;
    };
    for (const Case& one : {Case{"euler", "[cat:" + words + ":6]", "auto"},
                            Case{"euler", "[a|b|c|d|e|f|g|h|i|j|k|l] " + words, "auto"},
                            Case{"pndm", "[red:(green:1.2):6] cat AND dog", "auto"},
                            Case{"lms", "a (red:1.3) cat", "comfy"}}) {
        CAPTURE(one.sampler + ": " + one.prompt.substr(0, 20));
        ImageRequest asked = request(128);
        asked.count = asked.batch = 100; // so that denoising is what takes most
        asked.sampler = one.sampler;
        asked.prompt = one.prompt;
        asked.promptSyntax = one.syntax;
        asked.steps = 7; // more than the plan takes
        const ImageRequest resolved = resolveRequest(asked, model);
        const Plan plan = planner.plan(resolved, machine(size_t{1} << 40));
        device->arena().trim();
        device->arena().resetPeaks();
        pipeline.run(resolved, {});
        const size_t run = device->arena().stats().peakReservedBytes;
        CHECK(plan.peakBytes == device->weightBytes() + run);
    }
}

TEST_CASE("a sampler that begins with Runge-Kutta's steps is planned") {
    const auto folder = std::filesystem::temp_directory_path() / "kinora_plan_runge_kutta";
    std::filesystem::remove_all(folder);
    std::filesystem::copy(test::goldenPath("tiny-sd1"), folder,
                          std::filesystem::copy_options::recursive);
    const auto file = folder / "scheduler" / "scheduler_config.json";
    nlohmann::json config = nlohmann::json::parse(std::ifstream(file));
    config["skip_prk_steps"] = false;
    std::ofstream(file) << config;
    {
        const Model model = Model::open(folder);
        TextToImagePlanner planner = plannerOf(model);
        ImageRequest asked = request(64);
        asked.sampler = "pndm";
        for (const int64_t steps : {4, 5, 20}) {
            asked.steps = steps;
            CHECK(planner.plan(resolveRequest(asked, model), machine(1 << 30)).fits);
        }
        asked.initPath = "a picture.png"; // one of ten steps: the others count for the sampler
        asked.steps = 10;
        asked.strength = 0.1;
        CHECK(planner.plan(resolveRequest(asked, model), machine(1 << 30)).fits);
    }
    std::filesystem::remove_all(folder);
}

TEST_CASE("a larger picture is planned to take longer and more") {
    const Model model = Model::open(kStarter);
    TextToImagePlanner planner = plannerOf(model);
    const Plan small = planner.plan(resolveRequest(request(256), model), machine(1 << 30));
    const Plan large = planner.plan(resolveRequest(request(512), model), machine(1 << 30));
    CHECK(large.secondsPerStep > 3 * small.secondsPerStep);
    CHECK(large.peakBytes > small.peakBytes);
    CHECK(small.weightBytes == large.weightBytes);
}

TEST_CASE("what does not fit is said, with the size that would") {
    const Model model = Model::open(kStarter);
    TextToImagePlanner planner = plannerOf(model);
    const Plan plan = planner.plan(resolveRequest(request(2048), model), machine(600 << 20));
    CHECK_FALSE(plan.fits);
    CHECK(plan.advice.find("What would fit: ") != std::string::npos);
    const Plan never = planner.plan(resolveRequest(request(2048), model), machine(1 << 20));
    CHECK(never.advice.find("too large for this machine") != std::string::npos);
}

TEST_CASE("a run that does not fit whole is planned and made in tiles of the VAE") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = kThreads});
    const Model model = Model::open(kStarter);
    TextToImage pipeline(model, *device, DType::F32);
    TextToImagePlanner planner = plannerOf(model);
    ImageRequest resolved = resolveRequest(request(640), model);
    const Plan whole = planner.plan(resolved, machine(size_t{1} << 40));
    CHECK(whole.tiling == "none");
    const Plan tiled = planner.plan(resolved, machine(whole.peakBytes - 1));
    CHECK(tiled.tiling == "vae");
    CHECK(tiled.fits);
    CHECK(tiled.peakBytes < whole.peakBytes);
    resolved.tiling = "off";
    CHECK_FALSE(planner.plan(resolved, machine(whole.peakBytes - 1)).fits);

    // The same latents both ways: the seams are what differs.
    const auto pictureOf = [&](const char* tiling) {
        std::vector<float> pixels;
        TextToImageEvents events;
        events.picture = [&](int64_t, const kernels::Tensor& picture) {
            pixels = device->toHost<float>(picture);
        };
        resolved.tiling = tiling;
        resolved.steps = 1;
        device->arena().trim();
        device->arena().resetPeaks();
        pipeline.run(resolved, events);
        return pixels;
    };
    const std::vector<float> one = pictureOf("off");
    const std::vector<float> many = pictureOf("on");
    CHECK(tiled.peakBytes == device->weightBytes() + device->arena().stats().peakReservedBytes);
    double sum = 0, largest = 0;
    REQUIRE(one.size() == many.size());
    for (size_t i = 0; i < one.size(); ++i) {
        sum += std::abs(one[i] - many[i]);
        largest = std::max<double>(largest, std::abs(one[i] - many[i]));
    }
    MESSAGE("in tiles: mean difference " << sum / static_cast<double>(one.size()) << ", largest "
                                         << largest);
    CHECK(sum / static_cast<double>(one.size()) < 0.02);
}

TEST_CASE("precision auto follows the hardware, and an impossible one is refused") {
    kernels::DeviceDescription device{};
    CHECK(choosePrecision("auto", kernels::metaBackend(), 0, device) == DType::F32);
    device.fastBf16 = 1;
    CHECK(choosePrecision("auto", kernels::metaBackend(), 0, device) == DType::BF16);
    CHECK(choosePrecision("f32", kernels::metaBackend(), 0, device) == DType::F32);
    CHECK_THROWS_AS(choosePrecision("f8", kernels::metaBackend(), 0, device), Error);
}
