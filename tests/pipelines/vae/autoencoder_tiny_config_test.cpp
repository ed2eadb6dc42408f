#include "pipelines/vae/autoencoder_tiny.h"
#include "tests/support/golden_file.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

using namespace kinora::pipelines;
using kinora::test::readGoldenJson;
using kinora::test::thrownBy;
using nlohmann::json;

TEST_CASE("configs are read; what is absent has the reference's default") {
    const auto odd =
        AutoencoderTinyConfig::fromJson(readGoldenJson("tiny-autoencoders/odd/config.json"));
    CHECK(odd.latentChannels == 5);
    CHECK(odd.decoderBlocks == std::vector<int64_t>{0, 1});
    CHECK(odd.scalingFactor == 0.7f);
    const VaeConfig common = odd;
    CHECK(common.pixelsPerLatent == 2);
    CHECK(common.encodedChannels() == 5);
    const auto plain = AutoencoderTinyConfig::fromJson(json::object());
    CHECK(plain.encoderBlocks == std::vector<int64_t>{1, 3, 3, 3});
    CHECK(VaeConfig(plain).pixelsPerLatent == 8);
    CHECK(plain.scalingFactor == 1);
}

TEST_CASE("a value that is not followed is named, a wrong one too") {
    const json good = readGoldenJson("tiny-autoencoders/taesd/config.json");
    const std::pair<json, const char*> changes[] = {
        {{{"upsample_fn", "bilinear"}}, "\"upsample_fn\""},
        {{{"upsampling_scaling_factor", 4}}, "\"upsampling_scaling_factor\""},
        {{{"act_fn", "prelu"}}, "\"act_fn\""},
        {{{"decoder_block_out_channels", {4, 4, 4, 8}}}, "\"decoder_block_out_channels\""},
        {{{"num_encoder_blocks", {1, 2}}}, "\"num_encoder_blocks\""},
        {{{"encoder_block_out_channels", {6, 6}}, {"num_encoder_blocks", {1, 1}}},
         "\"encoder_block_out_channels\""},
        {{{"latent_channels", 0}}, "\"latent_channels\""},
        {{{"something_new", 1}}, "\"something_new\""}};
    for (const auto& [change, part] : changes) {
        json config = good;
        config.update(change);
        const std::string message = thrownBy([&] { AutoencoderTinyConfig::fromJson(config); });
        CAPTURE(message);
        CHECK(message.find(part) != std::string::npos);
    }
}
