// Runs that pictures steer, against diffusers: cases and numbers from
// tests/golden/generate_control.py.

#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/image/control_nets.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/request/control_choice.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/safetensors.h"
#include "tests/pipelines/image/golden_corner.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
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
    static const GoldenFile pictures("control/pictures.safetensors");
    return test::cornerOf(pictures, name, width, height);
}

// "control-sd1.safetensors" a file, "control-sd1" that of a folder; a path as it is.
fs::path netPath(const std::string& name) {
    const fs::path path = fs::path(test::goldenPath("control/nets")) / name;
    return path.has_extension() ? path : path / "diffusion_pytorch_model.safetensors";
}

struct Job {
    Model model;
    ImageRequest request; // resolved
    RunInputs inputs;
};

Job jobOf(Model model, const ImageRequest& request) {
    Job job{std::move(model), {}, {}};
    job.request = resolveRequest(request, job.model, {64, 64});
    const int64_t width = *job.request.width, height = *job.request.height;
    for (const auto* nets : {&job.request.controls, &job.request.adapters})
        for (const std::string& net : *nets)
            job.model.addControl(
                std::make_shared<ControlFile>(netPath(parseControlChoice(net)->name)));
    for (const std::string& name : job.request.controlImages)
        job.inputs.controls.push_back(corner(name, width, height));
    for (const std::string& name : job.request.adapterImages)
        job.inputs.adapters.push_back(corner(name, width, height));
    if (!job.request.initPath.empty())
        job.inputs.init = corner(job.request.initPath, width, height);
    if (!job.request.maskPath.empty())
        job.inputs.mask = corner(job.request.maskPath, width, height);
    return job;
}

std::vector<float> latentsOf(Job& job, kernels::Device& device, DType compute = DType::F32) {
    TextToImage pipeline(job.model, device, compute);
    CHECK(pipeline.unusedTensors().empty());
    const test::TemporaryFolder folder;
    job.request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
    pipeline.run(job.request, {}, nullptr, job.inputs);
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

ImageRequest steeredRequest(const std::string& control) {
    ImageRequest request;
    request.prompt = "a red apple";
    request.sampler = "euler_a";
    request.steps = 5;
    request.width = request.height = 48;
    request.seed = 5;
    request.batch = 1;
    request.controls = {control};
    request.controlImages = {"picture"};
    return request;
}

} // namespace

TEST_CASE("final latents of steered runs equal diffusers'") {
    const auto device = cpu();
    std::vector<fs::path> cases;
    for (const auto& entry : fs::directory_iterator(test::goldenPath("control")))
        if (entry.path().extension() == ".json") cases.push_back(entry.path());
    std::ranges::sort(cases);
    CHECK(cases.size() >= 26);
    for (const auto& path : cases) {
        const std::string name = path.stem().string();
        CAPTURE(name);
        const nlohmann::json golden = test::readGoldenJson("control/" + name + ".json");
        Job job = jobOf(Model::open(kRoot / golden.at("model").get<std::string>()),
                        imageRequestFromJson(golden.at("request")));
        const std::vector<float> found = latentsOf(job, *device);
        const GoldenFile file("control/" + golden.at("expected").get<std::string>());
        const double error = test::relativeError(found, file.floats("latents"));
        MESSAGE(name << ": latents differ by " << error);
        CHECK(error <= golden.at("tolerance").get<double>());
    }
}

TEST_CASE("a net in one file steers as its folder does, to the bit") {
    const auto device = cpu();
    const test::TemporaryFolder folder; // a file of diffusers' names without its config
    const fs::path alone = folder.path() / "alone.safetensors";
    for (const std::string name : {"control-sd1", "control-xl", "control-xl-small"}) {
        CAPTURE(name);
        const std::string model = name.starts_with("control-xl") ? "tiny-xl" : "tiny-sd1";
        Job own = jobOf(tinyModel(model), steeredRequest(name));
        const std::vector<float> expected = latentsOf(own, *device);
        fs::copy_file(netPath(name), alone, fs::copy_options::overwrite_existing);
        Job lone = jobOf(tinyModel(model), steeredRequest(alone.string()));
        CHECK((latentsOf(lone, *device) == expected));
        if (name == "control-xl-small") continue; // not shared in the other layout
        Job original = jobOf(tinyModel(model), steeredRequest(name + ".safetensors"));
        CHECK((latentsOf(original, *device) == expected));
    }
    ImageRequest request = steeredRequest("unused");
    request.controls.clear();
    request.controlImages.clear();
    request.adapters = {"adapter-sd1"};
    request.adapterImages = {"other"};
    Job own = jobOf(tinyModel("tiny-sd1"), request);
    const std::vector<float> expected = latentsOf(own, *device);
    fs::copy_file(netPath("adapter-sd1"), alone, fs::copy_options::overwrite_existing);
    for (const std::string& file :
         {alone.string(), std::string("adapter-sd1.safetensors"), std::string("adapter-sd1.pth")}) {
        request.adapters = {file};
        Job lone = jobOf(tinyModel("tiny-sd1"), request);
        CHECK((latentsOf(lone, *device) == expected));
    }
    request.adapters = {"adapter-light"};
    Job light = jobOf(tinyModel("tiny-sd1"), request);
    const std::vector<float> byLight = latentsOf(light, *device);
    CHECK((byLight != expected));
    request.adapters = {"adapter-light.safetensors"};
    Job original = jobOf(tinyModel("tiny-sd1"), request);
    CHECK((latentsOf(original, *device) == byLight));
}

TEST_CASE("a net that counts nothing, or nowhere, changes nothing") {
    const auto device = cpu();
    ImageRequest plain = steeredRequest("control-sd1");
    plain.controls.clear();
    plain.controlImages.clear();
    Job unsteered = jobOf(tinyModel("tiny-sd1"), plain);
    const std::vector<float> expected = latentsOf(unsteered, *device);
    for (const char* control : {"control-sd1:0", "control-sd1:1:0:0.1"}) {
        Job job = jobOf(tinyModel("tiny-sd1"), steeredRequest(control));
        CHECK((latentsOf(job, *device) == expected));
    }
    Job steered = jobOf(tinyModel("tiny-sd1"), steeredRequest("control-sd1:0.5"));
    CHECK((latentsOf(steered, *device) != expected));
}

TEST_CASE("a picture of another size is scaled to the run's") {
    const auto device = cpu();
    Job job = jobOf(tinyModel("tiny-sd1"), steeredRequest("control-sd1"));
    job.inputs.controls[0] = {Shape{16, 32, 3}, std::vector<float>(16 * 32 * 3, 0.3f)};
    const std::vector<float> scaled = latentsOf(job, *device);
    job.inputs.controls[0] = {Shape{48, 48, 3}, std::vector<float>(48 * 48 * 3, 0.3f)};
    CHECK(test::relativeError(scaled, latentsOf(job, *device)) < 1e-4);
}

TEST_CASE("of a picture that is one window the nets see the whole") {
    const auto device = cpu();
    ImageRequest request = steeredRequest("control-sd1");
    request.adapters = {"adapter-sd1"};
    request.adapterImages = {"other"};
    Job whole = jobOf(tinyModel("tiny-sd1"), request);
    const std::vector<float> expected = latentsOf(whole, *device);
    request.denoiseTile = 64;
    Job windows = jobOf(tinyModel("tiny-sd1"), request);
    CHECK((latentsOf(windows, *device) == expected));
}

TEST_CASE("a steered run in bf16 stays near the one in f32") {
    const auto device = cpu();
    if (!device->supports(DType::BF16)) return;
    Job job = jobOf(tinyModel("tiny-sd1"), steeredRequest("control-sd1"));
    const std::vector<float> expected = latentsOf(job, *device);
    CHECK(test::relativeError(latentsOf(job, *device, DType::BF16), expected) < 0.1);
}

TEST_CASE("the plan's peak is what a steered run takes") {
    static const kernels::BackendTable meta = kernels::cpuPlanBackend(kernels::metaBackend());
    const auto device = cpu();
    ImageRequest windows = steeredRequest("control-sd1");
    windows.controlImages = {"large"};
    windows.width = 96;
    windows.denoiseTile = 64;
    for (const ImageRequest& request :
         {steeredRequest("control-sd1"), steeredRequest("control-sd1:0.5:0.8:1"), windows}) {
        CAPTURE(request.controls.front());
        const Job job = jobOf(tinyModel("tiny-sd1"), request);
        TextToImage pipeline(job.model, *device, DType::F32);
        const size_t loading = device->arena().stats().peakReservedBytes;
        TextToImagePlanner planner(job.model, meta, DType::F32, 2);
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
    }
}

TEST_CASE("a net for another model is refused, and named") {
    const auto refusal = [](const std::string& model, const std::string& net) -> std::string {
        const auto device = cpu();
        try {
            Job job = jobOf(tinyModel(model), steeredRequest(net));
            const TextToImage pipeline(job.model, *device, DType::F32);
        } catch (const Error& error) {
            return error.message();
        }
        return {};
    };
    CHECK(refusal("tiny-xl", "control-sd1")
              .find("is a ControlNet for texts of 16 values; this "
                    "model takes 28.") != std::string::npos);
    CHECK(refusal("tiny-starter", "control-xl-small").find("does not fit this model") !=
          std::string::npos);
}
