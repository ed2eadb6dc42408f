#include "pipelines/vae/autoencoder_kl.h"
#include "tests/support/golden_file.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora::pipelines;
using kinora::test::readGoldenJson;
using kinora::test::thrownBy;
using nlohmann::json;

TEST_CASE("configs are read; what is absent has the reference's default") {
    const auto starter =
        AutoencoderKlConfig::fromJson(readGoldenJson("tiny-starter/vae/config.json"));
    CHECK(starter.latentChannels == 8);
    CHECK(starter.outChannels == 4);
    CHECK(starter.factor() == 8);
    CHECK_FALSE(starter.midAttention);
    const auto odd = AutoencoderKlConfig::fromJson(readGoldenJson("tiny-odd/vae/config.json"));
    CHECK_FALSE(odd.postQuantConv);
    CHECK(odd.factor() == 4);
    const auto plain = AutoencoderKlConfig::fromJson(json::object());
    CHECK(plain.blockChannels == std::vector<int64_t>{64});
    CHECK(plain.scalingFactor == 0.18215f);
    CHECK(plain.midAttention);
    CHECK(plain.factor() == 1);
}

TEST_CASE("means and deviations are read where both are there") {
    json config = readGoldenJson("tiny-sd1/vae/config.json");
    config["latents_mean"] = {0.5, -1, 0, 2};
    CHECK(AutoencoderKlConfig::fromJson(config).latentMeans.empty());
    config["latents_std"] = {1, 2, 3, 4};
    CHECK(AutoencoderKlConfig::fromJson(config).latentMeans == std::vector<float>{0.5f, -1, 0, 2});
    CHECK(AutoencoderKlConfig::fromJson(config).latentDeviations == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("a value that is not followed is named, a wrong one too") {
    const json good = readGoldenJson("tiny-sd1/vae/config.json");
    const std::pair<json, const char*> changes[] = {
        {{{"latents_mean", {0.5}}, {"latents_std", {1, 1, 1, 1}}}, "bad-file: \"latents_mean\""},
        {{{"latents_mean", {0, 0, 0, 0}}, {"latents_std", {1, 1, 1, 0}}},
         "bad-file: \"latents_std\""},
        {{{"up_block_types", {"UpBlock2D"}}}, "unsupported: \"up_block_types\""},
        {{{"down_block_types", {"KDownBlock2D"}}}, "unsupported: \"down_block_types\""},
        {{{"act_fn", "elu"}}, "unsupported: \"act_fn\""},
        {{{"novel_key", 1}}, "unsupported: \"novel_key\""},
        {{{"latent_channels", 0}}, "bad-file: \"latent_channels\""},
        {{{"block_out_channels", {4, 8}}}, "bad-file: \"down_block_types\""},
        {{{"block_out_channels", {4, 8, 8, -8}}}, "bad-file: \"block_out_channels\""},
        {{{"layers_per_block", 1000000000}}, "bad-file: \"layers_per_block\""},
        {{{"scaling_factor", 0}}, "bad-file: \"scaling_factor\""},
        {{{"use_quant_conv", "yes"}}, "bad-file: \"use_quant_conv\""},
    };
    for (const auto& [change, message] : changes) {
        json config = good;
        config.update(change);
        const std::string expected = message;
        const size_t colon = expected.find(": ");
        const std::string found = thrownBy([&] { AutoencoderKlConfig::fromJson(config); });
        CAPTURE(found);
        CHECK(found.starts_with(expected.substr(0, colon) +
                                ": vae/config.json: " + expected.substr(colon + 2)));
    }
}
