// The kind that a config says, and what of it users go by. What a UNet computes is unet_2d_test's.

#include "pipelines/denoisers/denoiser.h"
#include "pipelines/denoisers/unet_2d.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kinora::test::ModelParts;

TEST_CASE("a config with the UNet's class, another or none makes a UNet that knows its config") {
    for (const char* name : {"UNet2DConditionModel", "SomebodysUNet", ""}) {
        CAPTURE(name);
        ModelParts parts("tiny-xl", "meta", DType::F32);
        nlohmann::json config = parts.config("unet");
        config.erase("_class_name");
        if (*name) config["_class_name"] = name;
        const auto denoiser = makeDenoiser(config, "unet/config.json", parts.weights("unet"));
        CHECK(dynamic_cast<const Unet2d*>(denoiser.get()));
        const DenoiserConfig read = readDenoiserConfig(config);
        for (const DenoiserConfig& known : {read, denoiser->config()}) {
            CHECK(known.promptWidth == config.at("cross_attention_dim"));
            CHECK(known.additionWidth == config.at("projection_class_embeddings_input_dim"));
            CHECK(known.takesPrompts(known.promptWidth));
            CHECK_FALSE(known.takesPrompts(known.promptWidth + 1));
        }
        CHECK(parts.weights("unet").unused().empty());
    }
}
