// Whole pipelines against diffusers: cases and numbers from tests/golden/generate_pipelines.py and
// generate_guidance.py.
#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/safetensors.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/checkpoint_kinds.h"
#include "tests/support/thrown_error.h"

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
using kernels::Shape;

namespace {

const std::filesystem::path kRoot = KINORA_SOURCE_DIR;
const std::filesystem::path kData = kRoot / "tests/golden/data";
constexpr double kImageTolerance = 2e-3; // of the range 0..1

// Empty where the file has no tensor of that name.
std::vector<float> readTensor(const std::filesystem::path& file, const std::string& name) {
    const SafetensorsFile source(file, file.filename().string());
    const auto info = source.find(name, Shape{});
    if (!info) return {};
    std::vector<float> values(static_cast<size_t>(info->shape.elements()));
    source.read(name, 0, values);
    return values;
}

double relativeError(const std::vector<float>& actual, const std::vector<float>& expected) {
    REQUIRE(actual.size() == expected.size());
    double difference = 0, largest = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
        difference = std::max<double>(difference, std::abs(actual[i] - expected[i]));
        largest = std::max<double>(largest, std::abs(expected[i]));
    }
    return difference / largest;
}

// What one run gives: final latents [N,C,h,w] and pictures [N,H,W,C] in 0..1.
struct Outcome {
    std::vector<float> latents;
    std::vector<float> images;
};

Outcome runCase(const Model& model, ImageRequest request, kernels::Device& device) {
    const auto path =
        std::filesystem::temp_directory_path() /
        ("kinora-golden-" + std::to_string(reinterpret_cast<uintptr_t>(&device)) + ".safetensors");
    request.saveLatentsPath = path.string();
    Outcome outcome;
    TextToImageEvents events;
    events.picture = [&](int64_t, const kernels::Tensor& image) {
        const auto pixels = device.toHost<float>(image);
        outcome.images.insert(outcome.images.end(), pixels.begin(), pixels.end());
    };
    TextToImage(model, device, DType::F32).run(resolveRequest(request, model), events);
    outcome.latents = readTensor(path, "latents");
    std::filesystem::remove(path);
    return outcome;
}

nlohmann::json parse(const std::filesystem::path& path) {
    std::ifstream file(path);
    return nlohmann::json::parse(file);
}

Model tinyModel(const char* name) {
    return Model::open(kRoot / "tests/golden/data" / name);
}

} // namespace

TEST_CASE("final latents and pictures equal diffusers'") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    std::vector<std::filesystem::path> cases;
    for (const char* folder : {"pipelines", "guidance"})
        for (const auto& entry : std::filesystem::directory_iterator(kData / folder))
            if (entry.path().extension() == ".json") cases.push_back(entry.path());
    std::ranges::sort(cases);
    CHECK(cases.size() >= 60);
    for (const auto& path : cases) {
        const nlohmann::json golden = parse(path);
        CAPTURE(path.stem().string());
        const Model model = Model::open(kRoot / golden.at("model").get<std::string>());
        const Outcome outcome = runCase(model, imageRequestFromJson(golden.at("request")), *device);
        const auto file = path.parent_path() / golden.at("expected").get<std::string>();
        const double error = relativeError(outcome.latents, readTensor(file, "latents"));
        MESSAGE(path.stem().string() << ": latents differ by " << error);
        CHECK(error <= golden.at("tolerance").get<double>());
        std::vector<float> images = readTensor(file, "image"); // of some cases, -1..1
        for (float& value : images) value = std::clamp(value / 2 + 0.5f, 0.0f, 1.0f);
        if (!images.empty()) CHECK(relativeError(outcome.images, images) <= kImageTolerance);
    }
}

TEST_CASE("a model in one file gives the very picture of its folder") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    ImageRequest request;
    request.prompt = "a red apple";
    request.seed = 5;
    request.steps = 3;
    for (const test::TinyKind& kind : test::kTinyKinds) {
        CAPTURE(kind.model);
        const test::TemporaryFolder folder;
        const Model file = Model::open(test::goldenPath(std::string(kind.model) + ".safetensors"),
                                       makeTinyKind(folder, kind));
        const Outcome own = runCase(tinyModel(kind.model), request, *device);
        const Outcome found = runCase(file, request, *device);
        CHECK((found.latents == own.latents));
        CHECK((found.images == own.images));
        CHECK(TextToImage(file, *device, DType::F32).unusedTensors().empty());
    }
}

TEST_CASE("parts that do not fit together are named") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    const test::TemporaryFolder folder;
    const auto mixed = folder.path() / "mixed";
    const auto recursive = std::filesystem::copy_options::recursive;
    std::filesystem::copy(test::goldenPath("tiny-xl"), mixed, recursive);
    const auto put = [&](const char* model, const char* component) {
        std::filesystem::remove_all(mixed / component);
        std::filesystem::copy(test::goldenPath(model) + "/" + component, mixed / component,
                              recursive);
        return test::thrownBy([&] { TextToImage(Model::open(mixed), *device, DType::F32); });
    };
    CHECK(test::contains(put("tiny-xl-refiner", "unet"), "the text encoder gives 28 values"));
    CHECK(test::contains(put("tiny-sd1", "unet"), "the text encoder gives 28 values"));
    CHECK(put("tiny-xl", "unet") == "nothing");
    CHECK(test::contains(put("tiny-xl-odd", "tokenizer_2"),
                         "one tokenizer reads 77 tokens, the other 20"));
}

TEST_CASE("the prediction type can be said where the model is wrong") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    ImageRequest request;
    request.prompt = "a red apple";
    request.seed = 5;
    request.steps = 3;
    const Model model = tinyModel("tiny-sd2v");
    const std::vector<float> own = runCase(model, request, *device).latents;
    request.prediction = "v_prediction";
    CHECK((runCase(model, request, *device).latents == own));
    request.prediction = "epsilon";
    CHECK((runCase(model, request, *device).latents != own));
}

TEST_CASE("a picture is the same in every batch") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    const Model model = tinyModel("tiny-sd1");
    ImageRequest request;
    request.prompt = "a cat";
    request.sampler = "euler_a";
    request.steps = 3;
    request.seed = 5;
    request.count = 3;
    request.batch = 1;
    const std::vector<float> oneByOne = runCase(model, request, *device).latents;
    request.batch = 2;
    CHECK(relativeError(runCase(model, request, *device).latents, oneByOne) < 1e-5);
    request.batch = 3;
    CHECK(relativeError(runCase(model, request, *device).latents, oneByOne) < 1e-5);
}

TEST_CASE("a run can start from latents of its own, and be cancelled") {
    kernels::BackendRegistry backends;
    backends.add(kernels::cpuBackend());
    const auto device = backends.open("cpu", {.threads = 2});
    const Model model = tinyModel("tiny-sd1");
    ImageRequest request;
    request.prompt = "a cat";
    request.sampler = "euler";
    request.steps = 2;
    request.seed = 5;
    const std::vector<float> fromSeed = runCase(model, request, *device).latents;
    CHECK(fromSeed == runCase(model, request, *device).latents);

    CancelToken cancel;
    device->setCancelToken(cancel);
    TextToImage pipeline(model, *device, DType::F32);
    TextToImageEvents events;
    int steps = 0;
    events.step = [&](int64_t, int64_t, int64_t) {
        ++steps;
        cancel.cancel();
    };
    CHECK_THROWS_AS(pipeline.run(resolveRequest(request, model), events), Cancelled);
    CHECK(steps == 1);
}
