#include "kernels/base/error.h"
#include "pipelines/image/resolve_request.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

const Model& starter() {
    static const Model model =
        Model::open(KINORA_SOURCE_DIR "/resources/models/starter-image");
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
