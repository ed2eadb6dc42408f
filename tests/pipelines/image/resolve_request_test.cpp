#include "kernels/base/error.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

const Model& starter() {
    static const Model model = Model::open(KINORA_SOURCE_DIR "/resources/models/starter-image");
    return model;
}

std::string refusal(const ImageRequest& request) {
    try {
        resolveRequest(request, starter());
    } catch (const Error& error) {
        return error.what();
    }
    return {};
}

} // namespace

TEST_CASE("what a person leaves open comes from the model, then from the table") {
    const ImageRequest resolved = resolveRequest({}, starter());
    CHECK(*resolved.steps == 24);
    CHECK(*resolved.sampler == "ddim");
    CHECK(*resolved.schedule == "normal");
    CHECK(*resolved.cfg == 5.0);
    CHECK(*resolved.guidanceRescale == 0.7);
    CHECK(*resolved.width == 128);
    CHECK(*resolved.height == 128);
    CHECK_FALSE(resolved.seed.has_value());
}

TEST_CASE("what a person says stays") {
    ImageRequest request;
    request.steps = 7;
    request.sampler = "euler_a";
    request.width = 64;
    const ImageRequest resolved = resolveRequest(request, starter());
    CHECK(*resolved.steps == 7);
    CHECK(*resolved.sampler == "euler_a");
    CHECK(*resolved.width == 64);
    CHECK(*resolved.height == 128);
}

TEST_CASE("what cannot run is refused before anything is loaded") {
    ImageRequest impossiblePair, wrongBackground, absurdSize;
    impossiblePair.sampler = "euler_a";
    impossiblePair.schedule = "karras";
    CHECK(refusal(impossiblePair).find("karras") != std::string::npos);
    wrongBackground.background = "#12";
    CHECK(refusal(wrongBackground).find("#12") != std::string::npos);
    absurdSize.width = 1000000;
    CHECK(refusal(absurdSize).find("width") != std::string::npos);
}

TEST_CASE("a checkpoint that does not say what it predicts is told of") {
    const test::TemporaryFolder folder;
    const auto warningsFor = [&](int64_t textWidth, const std::string& prediction) {
        const std::string unet = "model.diffusion_model.input_blocks.";
        const std::vector<float> first(320 * 4 * 9), second(static_cast<size_t>(320 * textWidth));
        const auto file = folder.path() / "m.safetensors";
        writeSafetensors(
            file,
            std::vector<NamedValues>{
                {unet + "0.0.weight", {320, 4, 3, 3}, first},
                {unet + "1.1.transformer_blocks.0.attn2.to_k.weight", {320, textWidth}, second}});
        ImageRequest request;
        request.prediction = prediction;
        return modelWarnings(request,
                             Model::open(file, KINORA_SOURCE_DIR "/resources/checkpoints"));
    };
    CHECK(warningsFor(768, "auto").empty()); // all of SD 1.x predict epsilon
    REQUIRE(warningsFor(1024, "auto").size() == 1);
    CHECK(warningsFor(1024, "auto")[0].find("v_prediction is assumed") != std::string::npos);
    CHECK(warningsFor(1024, "epsilon").empty());
}

namespace {

ImageRequest fromPicture(const char* mask = "") {
    ImageRequest request;
    request.initPath = "start.png";
    request.maskPath = mask;
    request.steps = 8;
    return request;
}

Model tinyModel(const char* name) {
    return Model::open(std::string(KINORA_SOURCE_DIR "/tests/golden/data/") + name);
}

std::string refusedBy(const char* model, const ImageRequest& request) {
    try {
        resolveRequest(request, tinyModel(model), {64, 64});
    } catch (const Error& error) {
        return error.message();
    }
    return {};
}

} // namespace

TEST_CASE("a picture's size and shape decide what nobody says") {
    const auto sizeFor = [](PictureSize init, std::optional<int64_t> width,
                            std::optional<int64_t> height) {
        ImageRequest request = fromPicture();
        request.width = width;
        request.height = height;
        const ImageRequest resolved = resolveRequest(request, starter(), init);
        return std::pair(*resolved.width, *resolved.height);
    };
    CHECK((sizeFor({301, 202}, {}, {}) == std::pair<int64_t, int64_t>(296, 200)));
    CHECK((sizeFor({300, 200}, 150 / 8 * 8, {}) == std::pair<int64_t, int64_t>(144, 96)));
    CHECK((sizeFor({300, 200}, {}, 64) == std::pair<int64_t, int64_t>(96, 64)));
    CHECK((sizeFor({300, 200}, 128, 64) == std::pair<int64_t, int64_t>(128, 64)));
    CHECK((sizeFor({3, 200}, {}, {}) == std::pair<int64_t, int64_t>(8, 200)));
    CHECK((sizeFor({}, {}, {}) == std::pair<int64_t, int64_t>(128, 128)));
}

TEST_CASE("strength decides how many steps are taken") {
    const auto resolve = [](ImageRequest request) { return resolveRequest(request, starter()); };
    CHECK(*resolve(fromPicture()).strength == 0.75);
    CHECK(takenSteps(resolve(fromPicture())) == 6);
    CHECK(*resolve(fromPicture("mask.png")).strength == 1);
    ImageRequest request = fromPicture();
    request.strength = 0.49;
    CHECK(takenSteps(resolve(request)) == 3); // int(3.92)
    request.strength = 0.12;
    CHECK(refusal(request).find("0.12 of 8 steps is less than one") != std::string::npos);
    request.initPath.clear();
    CHECK_FALSE(resolve(request).strength.has_value());
    CHECK(takenSteps(resolve(request)) == 8);
    REQUIRE(modelWarnings(request, starter()).size() == 1);
    CHECK(modelWarnings(request, starter())[0].find("strength does not count") !=
          std::string::npos);
}

TEST_CASE("what a mask keeps is pasted back where nobody says otherwise") {
    const auto resolve = [](ImageRequest request) { return resolveRequest(request, starter()); };
    const ImageRequest usual = resolve(fromPicture("mask.png"));
    CHECK(usual.pasteBack == "on");
    CHECK(usual.maskBlur == 4);
    ImageRequest request = fromPicture();
    CHECK_FALSE(resolve(request).pasteBack.has_value());
    request.outpaint = "8,0,0,0";
    CHECK(resolve(request).pasteBack == "on");
    request.maskBlur = 0;
    CHECK(resolve(request).maskBlur == 0);
    request.pasteBack = "off";
    CHECK(resolve(request).pasteBack == "off");
    CHECK_FALSE(resolve(request).maskBlur.has_value());
    request.outpaint.reset();
    CHECK_FALSE(resolve(request).pasteBack.has_value());
}

TEST_CASE("a model that needs a picture or a mask says so") {
    ImageRequest nothing, lonelyMask;
    lonelyMask.maskPath = "mask.png";
    CHECK(refusal(lonelyMask) != "");
    for (const ImageRequest& request : {nothing, fromPicture()})
        CHECK(refusedBy("tiny-inpaint", request) == "This model makes a part of a picture anew.");
    CHECK(refusedBy("tiny-inpaint", fromPicture("mask.png")).empty());
    for (const ImageRequest& request : {nothing, fromPicture("mask.png")})
        CHECK(refusedBy("tiny-edit", request) == "This model edits a picture as the prompt says.");
    ImageRequest edit = fromPicture();
    edit.strength = 0.5;
    const ImageRequest resolved = resolveRequest(edit, tinyModel("tiny-edit"), {64, 64});
    CHECK(*resolved.imageCfg == 1.5);
    CHECK_FALSE(resolved.strength.has_value());
    CHECK(modelWarnings(edit, tinyModel("tiny-edit")).size() == 1);
    edit.imageCfg = 2;
    CHECK_FALSE(resolveRequest(edit, starter(), {64, 64}).imageCfg.has_value());
}
