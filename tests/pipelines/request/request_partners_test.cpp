#include "kernels/base/error.h"
#include "pipelines/request/request_partners.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace kinora;
using namespace kinora::pipelines;

TEST_CASE("each net needs a picture, and a preparation where any has one") {
    ImageRequest request;
    CHECK_NOTHROW(checkSteeringPictures(request));
    request.controls = {"canny", "depth"};
    CHECK_THROWS_AS(checkSteeringPictures(request), Error);
    request.controlImages = {"a.png", ""};
    CHECK_THROWS_AS(checkSteeringPictures(request), Error);
    request.controlImages = {"a.png", "b.png"};
    CHECK_NOTHROW(checkSteeringPictures(request));
    request.controlPrepare = {"canny"};
    CHECK_THROWS_AS(checkSteeringPictures(request), Error);
    request.controlPrepare = {"canny", "none"};
    CHECK_NOTHROW(checkSteeringPictures(request));
    request.adapterImages = {"c.png"};
    CHECK_THROWS_AS(checkSteeringPictures(request), Error);
}

TEST_CASE("what counts only beside another is told where that is missing") {
    ImageRequest request;
    CHECK(withoutPartner(request).empty());
    request.refinerAt = 0.7;
    request.hiresSteps = 5;
    request.hiresStrength = 0.4;
    request.hiresUpscaler = "4x";
    request.denoiseStride = 64;
    request.controlGuess = "on";
    request.imageEncoder = "clip";
    request.pasteBack = "on";
    request.maskBlur = 4;
    const std::vector<std::string> told = withoutPartner(request);
    REQUIRE(told.size() == 9);
    for (const char* option :
         {"refiner-at", "hires-steps", "hires-strength", "hires-upscaler", "denoise-stride",
          "control-guess", "image-encoder", "paste-back", "mask-blur"}) {
        CAPTURE(option);
        CHECK(std::ranges::any_of(told, [&](const std::string& sentence) {
            return sentence.find(option) != std::string::npos &&
                   sentence.find("not count") != std::string::npos;
        }));
    }
    request.refiner = "refiner";
    request.hires = 1.5;
    request.denoiseTile = 128;
    request.outpaint = "8,8,8,8";
    request.controls = {"canny"};
    request.ipAdapters = {"plus:a.png"};
    CHECK(withoutPartner(request).empty());
    request = {};
    request.controlGuess = "off";
    CHECK(withoutPartner(request).empty());
}
