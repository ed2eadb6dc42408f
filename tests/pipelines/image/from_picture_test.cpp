// Runs that begin from a picture, against diffusers: cases and numbers from
// tests/golden/generate_from_picture.py.

#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/safetensors.h"
#include "tests/pipelines/image/golden_corner.h"
#include "tests/support/checkpoint_kinds.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using test::GoldenFile;

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = KINORA_SOURCE_DIR;

HostTensor corner(const std::string& name, int64_t width, int64_t height) {
    static const GoldenFile pictures("from_picture/pictures.safetensors");
    return test::cornerOf(pictures, name, width, height);
}

// Resolved, with the pictures that it names.
struct Job {
    ImageRequest request;
    RunInputs inputs;
};

Job jobOf(ImageRequest request, const Model& model, bool mask) {
    request.initPath = "picture";
    if (mask) request.maskPath = "mask";
    Job job{resolveRequest(request, model, {64, 64}), {}};
    job.inputs.init = corner("picture", *job.request.width, *job.request.height);
    if (mask) job.inputs.mask = corner("mask", *job.request.width, *job.request.height);
    return job;
}

std::vector<float> latentsOf(TextToImage& pipeline, Job job, const TextToImageEvents& events = {}) {
    const test::TemporaryFolder folder;
    job.request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
    pipeline.run(job.request, events, nullptr, job.inputs);
    const SafetensorsFile file(job.request.saveLatentsPath, "latents");
    std::vector<float> values(static_cast<size_t>(file.find("latents", Shape{})->shape.elements()));
    file.read("latents", 0, values);
    return values;
}

std::unique_ptr<kernels::Device> cpu() {
    static const kernels::BackendRegistry backends = [] {
        kernels::BackendRegistry registry;
        registry.add(kernels::cpuBackend());
        return registry;
    }();
    return backends.open("cpu", {.threads = 2});
}

Model tinyModel(const std::string& name) {
    return Model::open(test::goldenPath(name));
}

ImageRequest someRequest() {
    ImageRequest request;
    request.prompt = "a red apple";
    request.sampler = "euler_a";
    request.steps = 6;
    request.strength = 0.7;
    request.seed = 5;
    request.batch = 1;
    return request;
}

} // namespace

TEST_CASE("final latents of runs from a picture equal diffusers'") {
    const auto device = cpu();
    std::vector<fs::path> cases;
    for (const auto& entry : fs::directory_iterator(test::goldenPath("from_picture")))
        if (entry.path().extension() == ".json") cases.push_back(entry.path());
    std::ranges::sort(cases);
    CHECK(cases.size() >= 31);
    for (const auto& path : cases) {
        const std::string name = path.stem().string();
        CAPTURE(name);
        const nlohmann::json golden = test::readGoldenJson("from_picture/" + name + ".json");
        const Model model = Model::open(kRoot / golden.at("model").get<std::string>());
        TextToImage pipeline(model, *device, DType::F32);
        const std::vector<float> found =
            latentsOf(pipeline, jobOf(imageRequestFromJson(golden.at("request")), model,
                                      golden.at("mask").get<bool>()));
        const GoldenFile file("from_picture/" + golden.at("expected").get<std::string>());
        const double error = test::relativeError(found, file.floats("latents"));
        MESSAGE(name << ": latents differ by " << error);
        CHECK(error <= golden.at("tolerance").get<double>());
    }
}

TEST_CASE("a picture begun from one is the same in every batch") {
    const auto device = cpu();
    for (const bool mask : {false, true}) {
        const Model model = tinyModel("tiny-sd1");
        TextToImage pipeline(model, *device, DType::F32);
        Job job = jobOf(someRequest(), model, mask);
        job.request.count = 3;
        const std::vector<float> oneByOne = latentsOf(pipeline, job);
        job.request.batch = 2;
        CHECK(test::relativeError(latentsOf(pipeline, job), oneByOne) < 1e-5);
    }
}

TEST_CASE("a checkpoint in one file begins from a picture as its folder does") {
    const auto device = cpu();
    for (const test::TinyKind& kind : test::kTinyKinds) {
        CAPTURE(kind.model);
        const test::TemporaryFolder folder;
        const Model file = Model::open(test::goldenPath(std::string(kind.model) + ".safetensors"),
                                       makeTinyKind(folder, kind));
        const Model own = tinyModel(kind.model);
        TextToImage fromFile(file, *device, DType::F32), fromFolder(own, *device, DType::F32);
        CHECK((latentsOf(fromFile, jobOf(someRequest(), file, false)) ==
               latentsOf(fromFolder, jobOf(someRequest(), own, false))));
    }
}

TEST_CASE("an interrupted run from a picture goes on to the same bytes") {
    const auto device = cpu();
    for (const bool mask : {false, true}) {
        const Model model = tinyModel("tiny-sd1");
        TextToImage pipeline(model, *device, DType::F32);
        Job job = jobOf(someRequest(), model, mask);
        job.request.count = 2;
        std::vector<RunState> states;
        TextToImageEvents events;
        events.state = [&](RunMoment, const std::function<RunState()>& state) {
            states.push_back(state());
        };
        const std::vector<float> whole = latentsOf(pipeline, job, events);
        CHECK(states.size() == 9); // four steps each, and a second batch
        const test::TemporaryFolder folder;
        job.request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
        for (const RunState& state : states) {
            pipeline.run(job.request, {}, &state, job.inputs);
            const SafetensorsFile file(job.request.saveLatentsPath, "latents");
            std::vector<float> values(whole.size());
            file.read("latents", 0, values);
            CHECK((values == whole));
            fs::remove(job.request.saveLatentsPath);
        }
        RunState tooEarly = states.front();
        tooEarly.calls = 0;
        tooEarly.stepsTaken = 0;
        CHECK_THROWS_AS(pipeline.checkState(job.request, tooEarly), Error);
    }
}

TEST_CASE("the plan's peak is what a run from a picture takes, and none is left after it") {
    static const kernels::BackendTable meta = kernels::cpuPlanBackend(kernels::metaBackend());
    const auto device = cpu();
    for (const char* name : {"tiny-sd1", "tiny-inpaint", "tiny-edit"}) {
        CAPTURE(name);
        const Model model = tinyModel(name);
        TextToImage pipeline(model, *device, DType::F32);
        const size_t loading = device->arena().stats().peakReservedBytes;
        TextToImagePlanner planner(model, meta, DType::F32, 2);
        ImageRequest request = someRequest();
        request.width = request.height = 64;
        if (name == std::string("tiny-edit")) request.strength.reset();
        const Job job = jobOf(request, model, name != std::string("tiny-edit"));
        Machine machine;
        machine.device.freeMemoryBytes = size_t{1} << 40;
        machine.speed = {1e11, 1e11, 1e11, 1e11, 1e10, 1e-6, {1, 1, 1, 1, 1}};
        const Plan plan = planner.plan(job.request, machine);
        device->arena().trim();
        device->arena().resetPeaks();
        pipeline.run(job.request, {}, nullptr, job.inputs);
        const size_t peak = std::max(loading, device->arena().stats().peakReservedBytes);
        CHECK(plan.weightBytes == device->weightBytes());
        CHECK(plan.peakBytes == device->weightBytes() + peak);
        CHECK(plan.steps == takenSteps(job.request));
    }
    // A run from noise afterwards gives the encoder's memory back.
    const Model model = tinyModel("tiny-sd1");
    TextToImage pipeline(model, *device, DType::F32);
    const size_t without = device->weightBytes();
    const Job job = jobOf(someRequest(), model, false);
    pipeline.run(job.request, {}, nullptr, job.inputs);
    CHECK(device->weightBytes() > without);
    ImageRequest request = someRequest();
    request.strength.reset();
    pipeline.run(resolveRequest(request, model), {});
    CHECK(device->weightBytes() == without);
}
