// FreeU's filter against diffusers' Fourier transform: numbers from
// tests/golden/generate_guidance.py.

#include "kernels/backend/device.h"
#include "pipelines/denoisers/free_u_stage.h"
#include "pipelines/denoisers/unet_2d.h"
#include "tests/support/golden_file.h"
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

TEST_CASE("low frequencies are scaled as the reference's filter scales them") {
    const test::GoldenFile golden("guidance/filter.safetensors");
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    for (const std::string size : {"8x8", "7x5", "2x9", "1x4", "1x1"}) {
        CAPTURE(size);
        const std::vector<int64_t> shape = golden.shape(size);
        const std::vector<float> values = golden.floats(size);
        const Tensor x = device->fromHost(
            values.data(), Shape{shape[0], shape[1], shape[2], shape[3]}, DType::F32);
        const std::vector<float> expected = golden.floats(size + ".filtered");
        CHECK(test::relativeError(device->toHost<float>(scaleLowFrequencies(x, 0.3f)), expected) <
              1e-6);
        CHECK((device->toHost<float>(scaleLowFrequencies(x, 1)) == values));
    }
}

TEST_CASE("the first half of the channels is scaled") {
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const Tensor x = device->fromHost(values.data(), Shape{1, 1, 2, 5}, DType::F32);
    const std::vector<float> expected = {2, 4, 3, 4, 5, 12, 14, 8, 9, 10};
    CHECK((device->toHost<float>(scaleFirstHalf(x, 2)) == expected));
}

TEST_CASE("FreeU has two levels") {
    const FreeU freeU{1.5, 1.6, 0.9, 0.2};
    CHECK(freeUStage(freeU, 0)->backbone == 1.5f);
    CHECK(freeUStage(freeU, 0)->skip == 0.9f);
    CHECK(freeUStage(freeU, 1)->backbone == 1.6f);
    CHECK(freeUStage(freeU, 1)->skip == 0.2f);
    CHECK(!freeUStage(freeU, 2).has_value());
    CHECK(!freeUStage({}, 0).has_value());
    CHECK(!freeUStage(FreeU{}, 0).has_value());
}

TEST_CASE(
    "a denoiser without a middle scales what is both backbone and skip, as the reference does") {
    test::ModelParts parts("tiny-sd1", "cpu", DType::F32);
    const test::GoldenFile golden("guidance/no-middle.safetensors");
    nlohmann::json config = parts.config("unet");
    config["mid_block_type"] = nullptr;
    const Unet2d unet(Unet2dConfig::fromJson(config), parts.weights("unet"));
    const std::vector<float> times = parts.golden().floats("unet.timesteps");
    for (const auto& [name, freeU] :
         {std::pair{"plain", std::optional<FreeU>()}, {"freeu", FreeU{1.5, 1.2, 0.7, 0.4}}}) {
        CAPTURE(name);
        const Tensor output =
            unet(parts.input("unet.sample"),
                 {.timesteps = times, .prompts = parts.input("unet.context"), .freeU = freeU});
        CHECK(test::relativeError(parts.device().toHost<float>(output), golden.floats(name)) <
              1e-5);
    }
}
