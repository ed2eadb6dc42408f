#include "pipelines/schedulers/outdated_config.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using kinora::pipelines::correctOutdatedConfig;
using nlohmann::json;

namespace {

std::string corrected(const char* config, const char* scheduler, const char* pipeline,
                      const char* used = nullptr) {
    json parsed = json::parse(config);
    correctOutdatedConfig(parsed, pipeline, scheduler, used ? used : scheduler);
    return parsed.dump();
}

} // namespace

// What diffusers 0.42.1 has in pipeline.scheduler.config after pipeline.__init__.
TEST_CASE("what a config of 2022 does not say is as the reference's pipelines set it") {
    const char* plain = "StableDiffusionPipeline";
    CHECK(corrected("{}", "DDIMScheduler", plain) == R"({"clip_sample":false,"steps_offset":1})");
    CHECK(corrected("{}", "PNDMScheduler", plain) == R"({"steps_offset":1})");
    CHECK(corrected("{}", "DPMSolverSinglestepScheduler", plain) == "{}");
    CHECK(corrected("{}", "DDPMScheduler", "StableDiffusionImg2ImgPipeline") ==
          R"({"clip_sample":false,"steps_offset":1})");
    CHECK(corrected("{}", "PNDMScheduler", "StableDiffusionInpaintPipeline") ==
          R"({"skip_prk_steps":true,"steps_offset":1})");
    CHECK(corrected("{}", "DDIMScheduler", "StableDiffusionInpaintPipeline") ==
          R"({"steps_offset":1})");
}

TEST_CASE("what it says otherwise is set right too") {
    const char* wrong = R"({"clip_sample":true,"skip_prk_steps":false,"steps_offset":3})";
    const char* scheduler = "EulerDiscreteScheduler";
    CHECK(corrected(wrong, scheduler, "StableDiffusionPipeline") ==
          R"({"clip_sample":false,"skip_prk_steps":false,"steps_offset":1})");
    CHECK(corrected(wrong, scheduler, "StableDiffusionInpaintPipeline") ==
          R"({"clip_sample":true,"skip_prk_steps":true,"steps_offset":1})");
    // These pipelines take a config as it is.
    for (const char* pipeline :
         {"StableDiffusionXLPipeline", "StableDiffusionInstructPix2PixPipeline",
          "LatentConsistencyModelPipeline"}) {
        CHECK(corrected(wrong, scheduler, pipeline) == wrong);
        CHECK(corrected("{}", "DDIMScheduler", pipeline) == "{}");
    }
}

TEST_CASE("another scheduler takes what is said, and its own defaults for the rest") {
    const char* plain = "StableDiffusionPipeline";
    CHECK(corrected("{}", "DDIMScheduler", plain, "EulerDiscreteScheduler") == "{}");
    CHECK(corrected(R"({"clip_sample":true,"steps_offset":0})", "PNDMScheduler", plain,
                    "DDIMScheduler") == R"({"clip_sample":false,"steps_offset":1})");
}

TEST_CASE("values of a wrong kind stay for the reader to refuse") {
    const char* strange = R"({"clip_sample":"yes","steps_offset":[1]})";
    CHECK(corrected(strange, "DDIMScheduler", "StableDiffusionPipeline") == strange);
    CHECK(corrected("[1]", "DDIMScheduler", "StableDiffusionPipeline") == "[1]");
}
