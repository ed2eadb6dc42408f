// Golden numbers: tests/golden/generate_tiny_autoencoders.py, diffusers' AutoencoderTiny.

#include "pipelines/vae/tiny_preview.h"
#include "pipelines/vae/vae.h"
#include "pipelines/weights/tiny_autoencoder_file.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

const test::GoldenFile& golden() {
    static const test::GoldenFile file("tiny-autoencoders/expected.safetensors");
    return file;
}

TinyPreview preview(kernels::Device& device, int64_t pooling) {
    const auto found =
        TinyAutoencoderFile::find(test::goldenPath("tiny-autoencoders/taesd/taesd_decoder.pth"));
    REQUIRE(found);
    const auto source = found->weights();
    return {makeVaeDecoder(found->config(), "config.json", Weights(*source, device, DType::F32)),
            pooling};
}

Tensor latents(kernels::Device& device) {
    return device.fromHost(golden().floats("taesd.latents").data(), Shape{1, 6, 4, 4}, DType::F32);
}

} // namespace

TEST_CASE("a preview is what the reference's small autoencoder decodes, in 0 to 1") {
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    for (const auto& [pooling, name] :
         {std::pair{1, "taesd.decoded"}, std::pair{2, "taesd.decoded-pooled"}}) {
        CAPTURE(name);
        const Tensor picture = preview(*device, pooling)(latents(*device));
        CHECK((picture.shape() == Shape{48 / pooling, 32 / pooling, 3}));
        std::vector<float> expected = golden().floats(name);
        for (float& value : expected) value = std::clamp(value / 2 + 0.5f, 0.0f, 1.0f);
        CHECK(test::relativeError(device->toHost<float>(picture), expected) < 1e-5);
    }
}

TEST_CASE("latents of any size are pooled in boxes that leave none out") {
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    const std::vector<float> row = {1, 2, 3, 4, 5};
    const Tensor five = device->fromHost(row.data(), Shape{1, 1, 5, 1}, DType::F32);
    const auto pooled = [&](int64_t pooling) {
        return device->toHost<float>(pooledLatents(five, pooling));
    };
    CHECK((pooled(1) == row));
    CHECK((pooled(2) == std::vector<float>{1, 2.5f, 4.5f}));
    CHECK((pooled(4) == std::vector<float>{3}));
    CHECK((pooled(100) == std::vector<float>{3}));
}

TEST_CASE("what is no number is black") {
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    const std::vector<float> broken(16, std::numeric_limits<float>::quiet_NaN());
    const Tensor picture =
        preview(*device, 1)(device->fromHost(broken.data(), Shape{1, 2, 2, 4}, DType::F32));
    CHECK((device->toHost<float>(picture) == std::vector<float>(16 * 16 * 3, 0.0f)));
}
