// Golden numbers: tests/golden/generate_upscalers.py, spandrel's networks.

#include "pipelines/upscale/upscaler.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kinora::test::GoldenFile;

namespace {

constexpr const char* kFiles[] = {
    "esrgan-x4.pth",
    "esrgan-x4-older.safetensors",
    "esrgan-x4-oldest.pth",
    "esrgan-x2-oldest.safetensors",
    "esrgan-x8-oldest.safetensors",
    "real-esrgan-x2.pth",
    "real-esrgan-x1.safetensors",
    "compact-x4.pth",
    "compact-x2.safetensors",
};

std::unique_ptr<kernels::Device> open(const char* backend = "cpu") {
    return test::allBackends().open(backend, {.ordinal = 0, .threads = 2});
}

UpscalerFile fileOf(const std::string& name) {
    return UpscalerFile(test::goldenPath("upscalers/" + name));
}

HostPicture goldenPicture(const GoldenFile& golden) {
    const auto shape = golden.shape("picture");
    return {shape[2], shape[1], golden.floats("picture")};
}

// Large forms and fine lines.
HostPicture waves(int64_t width, int64_t height) {
    HostPicture picture{width, height, {}};
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c)
                picture.pixels.push_back(0.5f +
                                         0.3f * std::sin(static_cast<float>(x + c) * 0.11f) *
                                             std::cos(static_cast<float>(y) * 0.07f) +
                                         0.1f * static_cast<float>((x / 3 + y / 2) % 2));
    return picture;
}

} // namespace

TEST_CASE("pictures equal the reference's in f32, from every layout") {
    const GoldenFile golden("upscalers/expected.safetensors");
    const HostPicture picture = goldenPicture(golden);
    const auto device = open();
    for (const char* name : kFiles) {
        CAPTURE(std::string(name));
        const Upscaler upscaler(fileOf(name), *device, DType::F32);
        const HostPicture large = upscaler(picture, Upscaler::kUsualTile);
        const auto shape = golden.shape(name);
        CHECK(large.height == shape[1]);
        CHECK(large.width == shape[2]);
        CHECK(test::relativeError(large.pixels, golden.floats(name)) < 1e-5);
        CHECK(upscaler.unusedTensors().empty());
    }
}

TEST_CASE("pictures are near the reference's in bf16") {
    const auto device = open();
    if (!device->supports(DType::BF16)) return;
    const GoldenFile golden("upscalers/expected.safetensors");
    for (const char* name : kFiles) {
        CAPTURE(std::string(name));
        const Upscaler upscaler(fileOf(name), *device, DType::BF16);
        const HostPicture large = upscaler(goldenPicture(golden), Upscaler::kUsualTile);
        CHECK(test::relativeError(large.pixels, golden.floats(name)) < 2e-2);
    }
}

TEST_CASE("tiles leave no seam") {
    const auto device = open();
    const HostPicture picture = waves(151, 97);
    for (const char* name : {"compact-x2.safetensors", "real-esrgan-x2.pth"}) {
        CAPTURE(std::string(name));
        const Upscaler upscaler(fileOf(name), *device, DType::F32);
        int64_t tiles = 0;
        const HostPicture whole = upscaler(picture, 256);
        const HostPicture tiled =
            upscaler(picture, Upscaler::kLeastTile, [&](int64_t done, int64_t of) {
                CHECK(done == ++tiles);
                CHECK(of == 6);
            });
        CHECK(tiles == 6);
        REQUIRE(tiled.pixels.size() == whole.pixels.size());
        float most = 0;
        for (size_t i = 0; i < whole.pixels.size(); ++i)
            most = std::max(most, std::abs(whole.pixels[i] - tiled.pixels[i]));
        CHECK(most < 0.5f / 255);
    }
}

TEST_CASE("the plan foresees the arena's peak") {
    const HostPicture picture = waves(64, 64);
    const auto peak = [&](const char* backend) {
        const auto device = open(backend);
        const Upscaler upscaler(fileOf("esrgan-x4.pth"), *device, DType::F32);
        upscaler(picture, 64);
        device->arena().resetPeaks();
        upscaler(picture, 64);
        return device->arena().stats().peakUsedBytes;
    };
    const size_t planned = peak("meta"), taken = peak("cpu");
    CHECK(planned > 1'000'000);
    CHECK(planned <= taken);
    CHECK(static_cast<double>(taken) < 1.1 * static_cast<double>(planned));
}

TEST_CASE("cancelling ends it") {
    const auto device = open();
    const Upscaler upscaler(fileOf("compact-x2.safetensors"), *device, DType::F32);
    CancelToken token;
    device->setCancelToken(token);
    CHECK_THROWS_AS(upscaler(waves(200, 200), 64, [&](int64_t, int64_t) { token.cancel(); }),
                    Cancelled);
}
