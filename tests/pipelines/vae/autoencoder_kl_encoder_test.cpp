// Golden numbers: tests/golden/generate_encoders.py, diffusers' AutoencoderKL.

#include "pipelines/vae/autoencoder_kl_encoder.h"
#include "pipelines/vae/posterior.h"
#include "pipelines/weights/random_weights.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;
using kinora::test::GoldenFile;
using kinora::test::ModelParts;

namespace {

constexpr const char* kModels[] = {"tiny-sd1", "tiny-sd2v", "tiny-starter", "tiny-odd"};

Tensor input(const GoldenFile& golden, const std::string& name, kernels::Device& device) {
    const std::vector<int64_t> shape = golden.shape(name);
    return device.fromHost(golden.floats(name).data(),
                           Shape{shape.at(0), shape.at(1), shape.at(2), shape.at(3)}, DType::F32);
}

void compare(const std::string& model, DType compute, double tolerance) {
    CAPTURE(model);
    ModelParts parts(model, "cpu", compute);
    kernels::Device& device = parts.device();
    const GoldenFile golden("encoders/" + model + ".safetensors");
    const auto config = AutoencoderKlConfig::fromJson(parts.config("vae"));
    const AutoencoderKlEncoder encoder(config, parts.weights("vae"));
    const auto error = [&](const Tensor& found, const char* expected) {
        return test::relativeError(device.toHost<float>(found), golden.floats(expected));
    };
    const Tensor picture = input(golden, "picture", device);
    const Tensor moments = encoder(picture);
    CHECK(moments.dtype() == DType::F32);
    CHECK(moments.dim(1) * config.factor() == picture.dim(1));
    CHECK(error(moments, "moments") < tolerance);
    CHECK(error(posteriorMean(moments), "mean") < tolerance);
    const Tensor noise = input(golden, "noise", device);
    CHECK(error(samplePosterior(moments, noise, config), "latents") < tolerance);
    CHECK(parts.weights("vae").unused().empty());
}

size_t peakBytes(const char* backend, DType compute) {
    const auto device = test::allBackends().open(backend, {.ordinal = 0, .threads = 2});
    const AutoencoderKlConfig config = AutoencoderKlConfig::fromJson(
        {{"block_out_channels", {32, 64, 64}},
         {"down_block_types", {"DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"}},
         {"up_block_types", {"UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"}}});
    const RandomWeights source;
    const AutoencoderKlEncoder encoder(config, Weights(source, *device, compute));
    const std::vector<float> zeros(96 * 64 * 3);
    const Tensor picture = device->fromHost(zeros.data(), {1, 96, 64, 3}, DType::F32);
    encoder(picture);
    device->arena().resetPeaks();
    samplePosterior(encoder(picture), device->empty({2, 24, 16, 4}, DType::F32), encoder.config());
    return device->arena().stats().peakUsedBytes;
}

} // namespace

TEST_CASE("moments and latents equal the reference's in f32") {
    for (const char* model : kModels) compare(model, DType::F32, 1e-5);
}

TEST_CASE("moments are near the reference's in bf16") {
    if (!ModelParts("tiny-sd1", "cpu", DType::F32).device().supports(DType::BF16)) return;
    for (const char* model : kModels) compare(model, DType::BF16, 5e-2);
}

TEST_CASE("attention in the levels, means and deviations are as the reference's") {
    ModelParts parts("vae-normalised", "cpu", DType::F32);
    const auto config = AutoencoderKlConfig::fromJson(parts.config("vae"));
    const AutoencoderKlEncoder encoder(config, parts.weights("vae"));
    const Tensor moments = encoder(parts.input("vae.input"));
    CHECK(parts.error(moments, "vae.moments") < 1e-5);
    CHECK(parts.error(samplePosterior(moments, parts.input("vae.noise"), config), "vae.drawn") <
          1e-5);
    CHECK(parts.weights("vae").unused().empty());
}

TEST_CASE("the plan foresees the arena's peak of encoding") {
    for (const DType compute : {DType::F32, DType::BF16}) {
        if (!ModelParts("tiny-sd1", "cpu", DType::F32).device().supports(compute)) continue;
        const size_t planned = peakBytes("meta", compute);
        CHECK(planned > 1'000'000);
        CHECK(planned == peakBytes("cpu", compute));
    }
}
