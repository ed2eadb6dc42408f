#include "kernels/base/error.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>

#include <string>
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
    CHECK(*resolved.guidanceRescale == 0.5);
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
