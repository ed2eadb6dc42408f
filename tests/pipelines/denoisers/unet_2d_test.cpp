// Golden numbers: tests/golden/generate_models.py, diffusers' UNet2DConditionModel.

#include "kernels/base/error.h"
#include "kernels/ops/layout.h"
#include "pipelines/denoisers/unet_2d.h"
#include "pipelines/weights/random_weights.h"
#include "tests/support/model_parts.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Tensor;
using kinora::test::ModelParts;
using kinora::test::thrownBy;

namespace {

constexpr const char* kModels[] = {"tiny-sd1", "tiny-sd2v", "tiny-starter",
                                   "tiny-odd", "unet-lcm",  "unet-adapted"};

// One call with the golden inputs "<name>.sample" and so on.
Tensor call(const Unet2d& unet, ModelParts& parts, const std::string& name, DType compute) {
    const std::vector<float> times = parts.golden().floats(name + ".timesteps");
    const bool isConditioned = unet.config().timeConditionWidth > 0;
    return unet(parts.input(name + ".sample"),
                {times, parts.input(name + ".context", compute),
                 isConditioned ? parts.input(name + ".condition") : Tensor()});
}

// What is allowed in f32; in bf16 a little more than the reference's own error there.
double toleranceOf(const ModelParts& parts, const std::string& name, DType compute) {
    if (compute == DType::F32) return 1e-5;
    return std::max(2e-2, 1.5 * double(parts.golden().floats(name + ".bf16_error")[0]));
}

void compare(const std::string& model, DType compute) {
    CAPTURE(model);
    ModelParts parts(model, "cpu", compute);
    const Unet2d unet(Unet2dConfig::fromJson(parts.config("unet")), parts.weights("unet"));
    for (const std::string name : {"unet", "unet.odd", "unet.times"}) {
        CAPTURE(name);
        if (!parts.golden().has(name + ".sample")) continue; // another time for each row
        const Tensor output = call(unet, parts, name, compute);
        CHECK(output.dtype() == DType::F32);
        CHECK(parts.error(output, name + ".output") < toleranceOf(parts, name, compute));
    }
    CHECK(parts.weights("unet").unused().empty());
}

// The arena's peak of one call after another that warmed it up.
size_t peakBytes(const char* backend, DType compute) {
    const auto device = test::allBackends().open(backend, {.ordinal = 0, .threads = 2});
    const Unet2dConfig config = Unet2dConfig::fromJson(
        {{"block_out_channels", {64, 128, 128, 128}}, {"cross_attention_dim", 64}});
    const RandomWeights source;
    const Unet2d unet(config, Weights(source, *device, compute));
    const std::vector<float> zeros(2 * 32 * 32 * 4), times = {500, 500};
    const Tensor sample = device->fromHost(zeros.data(), {2, 32, 32, 4}, DType::F32);
    const Tensor context =
        kernels::convert(device->fromHost(zeros.data(), {2, 20, 64}, DType::F32), compute);
    unet(sample, {times, context});
    device->arena().resetPeaks();
    unet(sample, {times, context});
    return device->arena().stats().peakUsedBytes;
}

} // namespace

TEST_CASE("the output equals the reference's in f32") {
    for (const char* model : kModels) compare(model, DType::F32);
}

TEST_CASE("the output is near the reference's in bf16") {
    if (!ModelParts("tiny-sd1", "cpu", DType::F32).device().supports(DType::BF16)) return;
    for (const char* model : kModels) compare(model, DType::BF16);
}

TEST_CASE("one time for the batch gives what one time for each does") {
    ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const Unet2d unet(Unet2dConfig::fromJson(parts.config("unet")), parts.weights("unet"));
    const std::vector<float> mixed = {981.0f, 1.0f};
    const std::vector<float> both = parts.device().toHost<float>(
        unet(parts.input("unet.sample"), {mixed, parts.input("unet.context")}));
    const std::vector<float> same = parts.golden().floats("unet.output");
    const auto half = static_cast<long>(same.size() / 2);
    CHECK(test::relativeError({both.begin(), both.begin() + half},
                              {same.begin(), same.begin() + half}) < 1e-5);
    CHECK(test::relativeError({both.begin() + half, both.end()},
                              {same.begin() + half, same.end()}) > 1e-2);
}

TEST_CASE("the plan foresees the arena's peak, the scratch of kernels included") {
    for (const DType compute : {DType::F32, DType::BF16}) {
        if (!ModelParts("tiny-sd1", "cpu", DType::F32).device().supports(compute)) continue;
        const size_t planned = peakBytes("meta", compute);
        CHECK(planned > 1'000'000);
        CHECK(planned == peakBytes("cpu", compute));
    }
}

TEST_CASE("a text encoder of another width is told") {
    ModelParts parts("tiny-sd1", "meta", DType::F32);
    const Unet2d unet(Unet2dConfig::fromJson(parts.config("unet")), parts.weights("unet"));
    const Tensor context = parts.device().empty({2, 7, 24}, DType::F32);
    const std::vector<float> times = {1, 1};
    CHECK(thrownBy([&] { unet(parts.input("unet.sample"), {times, context}); }) ==
          "bad-file: The text encoder's embeddings are 24 wide, the denoiser's "
          "\"cross_attention_dim\" is 16.");
}

TEST_CASE("weights of another shape than the config implies are named") {
    ModelParts parts("tiny-sd1", "meta", DType::F32);
    nlohmann::json config = parts.config("unet");
    config["cross_attention_dim"] = 24;
    CHECK(thrownBy([&] { Unet2d(Unet2dConfig::fromJson(config), parts.weights("unet")); }) ==
          "bad-file: tiny-sd1/unet/diffusion_pytorch_model.safetensors: tensor "
          "\"down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight\" has the shape "
          "[4, 16]; the config implies [4, 24].");
}

TEST_CASE("what the denoiser is told besides the prompt changes it as it does the reference") {
    for (const char* model : {"tiny-xl", "tiny-xl-odd", "tiny-xl-refiner"})
        for (const char* backend : {"cpu", "meta"}) {
            CAPTURE(model);
            ModelParts parts(model, backend, DType::F32);
            const Unet2d unet(Unet2dConfig::fromJson(parts.config("unet")), parts.weights("unet"));
            const std::vector<float> numbers = parts.golden().floats("unet.numbers");
            const Tensor pooled = parts.input("unet.pooled"), sample = parts.input("unet.sample");
            const Tensor context = parts.input("unet.context");
            const std::vector<float> times = parts.golden().floats("unet.timesteps");
            const Tensor added = unet.embedAddition(pooled, numbers);
            CHECK(parts.error(unet(sample, {times, context, {}, added}), "unet.output") < 1e-5);
            CHECK(parts.weights("unet").unused().empty());
            CHECK(thrownBy([&] { unet(sample, {times, context}); }).starts_with("internal: "));
            CHECK(thrownBy([&] {
                      unet.embedAddition(pooled, std::span(numbers).first(numbers.size() - 2));
                  }).starts_with("bad-file: The denoiser takes "));
        }
}
