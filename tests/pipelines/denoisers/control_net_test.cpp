// Configs; that the nets compute as the reference's is tested in
// tests/pipelines/image/control_nets_test.cpp.

#include "pipelines/denoisers/control_net.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace kinora;
using namespace kinora::pipelines;
using nlohmann::json;
using test::contains;
using test::thrownBy;

TEST_CASE("a ControlNet's config is a denoiser's and how it sees the picture") {
    const auto usual = ControlNetConfig::fromJson(json::object(), "config.json");
    CHECK(usual.pictureChannels == 3);
    CHECK(usual.factor() == 8);
    CHECK(!usual.blueFirst);
    CHECK(usual.unet.blockChannels.size() == 4);
    const auto own =
        ControlNetConfig::fromJson({{"conditioning_embedding_out_channels", {4, 8, 2}},
                                    {"controlnet_conditioning_channel_order", "bgr"},
                                    {"global_pool_conditions", true},
                                    {"block_out_channels", {32, 64}},
                                    {"down_block_types", {"DownBlock2D", "DownBlock2D"}},
                                    {"transformer_layers_per_block", {0, 0}}},
                                   "config.json");
    CHECK(own.factor() == 4);
    CHECK(own.blueFirst);
    CHECK(own.poolsResiduals);
    CHECK((own.unet.blockChannels == std::vector<int64_t>{32, 64}));
}

TEST_CASE("a config that is not followed or makes no sense is refused by key") {
    const auto refusal = [](const json& config) {
        return thrownBy([&] { ControlNetConfig::fromJson(config, "config.json"); });
    };
    CHECK(contains(refusal({{"controlnet_conditioning_channel_order", "gbr"}}),
                   "unsupported: config.json: \"controlnet_conditioning_channel_order\""));
    CHECK(contains(refusal({{"class_embed_type", "timestep"}}), "class_embed_type"));
    CHECK(contains(refusal({{"mid_block_type", nullptr}}), "mid_block_type"));
    CHECK(contains(refusal({{"conditioning_channels", 0}}), "bad-file: "));
    CHECK(contains(refusal({{"something_new", 1}}), "something_new"));
    CHECK(contains(refusal(json::array()), "bad-file: config.json: a JSON object"));
}
