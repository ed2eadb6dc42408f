// Whole runs with AutoencoderTiny as a model's VAE against diffusers: files and numbers from
// tests/golden/generate_tiny_autoencoders.py.

#include "kernels/base/error.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/weights/external_vae.h"
#include "pipelines/weights/safetensors.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"
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

namespace {

constexpr double kTolerance = 1e-4;

Model modelWith(const char* vae) {
    Model model = Model::open(test::goldenPath("tiny-sd1"));
    model.replaceVae(ExternalVae(test::goldenPath(std::string("tiny-autoencoders/") + vae)));
    return model;
}

ImageRequest request() {
    const nlohmann::json how = test::readGoldenJson("tiny-autoencoders/cases.json");
    ImageRequest request;
    request.prompt = how.at("prompt");
    request.negative = how.at("negative");
    request.steps = how.at("steps").get<int64_t>();
    request.cfg = how.at("cfg").get<double>();
    request.seed = how.at("seed").get<int64_t>();
    request.sampler = how.at("sampler").get<std::string>();
    request.width = 64;
    request.height = 48;
    return request;
}

struct Made {
    std::vector<float> latents, image;
};

Made run(const Model& model, ImageRequest asked, const RunInputs& inputs = {}) {
    const test::TemporaryFolder folder;
    asked.saveLatentsPath = (folder.path() / "latents.safetensors").string();
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    Made made;
    TextToImageEvents events;
    events.picture = [&](int64_t, const kernels::Tensor& image) {
        made.image = device->toHost<float>(image);
    };
    TextToImage(model, *device, DType::F32)
        .run(resolveRequest(asked, model, {64, 48}), events, nullptr, inputs);
    const SafetensorsFile file(asked.saveLatentsPath, "latents");
    made.latents.resize(static_cast<size_t>(file.find("latents", {})->shape.elements()));
    file.read("latents", 0, made.latents);
    return made;
}

} // namespace

TEST_CASE("runs with a small VAE equal diffusers'") {
    const test::GoldenFile expected("tiny-autoencoders/expected.safetensors");
    const nlohmann::json how = test::readGoldenJson("tiny-autoencoders/cases.json");
    for (const char* file :
         {"taesd/diffusion_pytorch_model.safetensors", "taesd/taesd_decoder.pth"}) {
        CAPTURE(file);
        const Model model = modelWith(file);
        const Made text = run(model, request());
        CHECK(test::relativeError(text.latents, expected.floats("text")) < kTolerance);
        std::vector<float> image = expected.floats("text.image");
        for (float& value : image) value = std::clamp(value / 2 + 0.5f, 0.0f, 1.0f);
        CHECK(test::relativeError(text.image, image) < kTolerance);

        ImageRequest asked = request();
        asked.initPath = "init";
        asked.strength = how.at("strength").get<double>();
        RunInputs inputs;
        inputs.init = {{48, 64, 3}, expected.floats("init")};
        CHECK(test::relativeError(run(model, asked, inputs).latents,
                                  expected.floats("from-picture")) < kTolerance);
        asked.maskPath = "mask";
        inputs.mask = {{48, 64, 1}, expected.floats("mask")};
        CHECK(test::relativeError(run(model, asked, inputs).latents, expected.floats("inpaint")) <
              kTolerance);
    }
}

TEST_CASE("previews are the same whichever VAE decodes") {
    const auto previewsOf = [](const Model& model) {
        const auto device = test::allBackends().open("cpu", {.threads = 2});
        std::vector<std::vector<float>> previews;
        TextToImageEvents events;
        events.preview = [&](int64_t, const kernels::Tensor& preview) {
            previews.push_back(device->toHost<float>(preview));
        };
        ImageRequest asked = request();
        asked.previewEvery = 1;
        TextToImage(model, *device, DType::F32).run(resolveRequest(asked, model), events);
        return previews;
    };
    const auto own = previewsOf(Model::open(test::goldenPath("tiny-sd1")));
    CHECK(own.size() == static_cast<size_t>(*request().steps - 1));
    CHECK((previewsOf(modelWith("taesd/diffusion_pytorch_model.safetensors")) == own));
}

TEST_CASE("a run from a picture without the encoder names what is missing") {
    const test::TemporaryFolder folder;
    const auto alone = folder.path() / "small.pth";
    std::filesystem::copy(test::goldenPath("tiny-autoencoders/taesd/taesd_decoder.pth"), alone);
    Model model = Model::open(test::goldenPath("tiny-sd1"));
    model.replaceVae(ExternalVae(alone));
    CHECK(run(model, request()).image.size() == 64 * 48 * 3);
    ImageRequest asked = request();
    asked.initPath = "init";
    RunInputs inputs;
    inputs.init = {{48, 64, 3}, std::vector<float>(64 * 48 * 3, 0.5f)};
    CHECK_THROWS_WITH_AS(run(model, asked, inputs), doctest::Contains("encoder.layers.0"), Error);
}
