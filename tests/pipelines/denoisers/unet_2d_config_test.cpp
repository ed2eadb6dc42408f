#include "pipelines/denoisers/unet_2d.h"
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

namespace {
using Lists = std::vector<std::vector<int64_t>>;
}

TEST_CASE("a config without keys is the reference's default: Stable Diffusion 1") {
    const Unet2dConfig config = Unet2dConfig::fromJson(json::object());
    CHECK(config.blockChannels == std::vector<int64_t>{320, 640, 1280, 1280});
    CHECK(config.downAttention == std::vector<bool>{true, true, true, false});
    CHECK(config.upAttention == std::vector<bool>{false, true, true, true});
    CHECK(config.layersPerBlock == std::vector<int64_t>{2, 2, 2, 2});
    CHECK(config.heads == std::vector<int64_t>{8, 8, 8, 8});
    CHECK(config.timeEmbeddingWidth == 1280);
    CHECK(config.crossAttentionWidth == 1280);
    CHECK(config.midAttention);
    CHECK(config.sampleWidth == 0);
}

TEST_CASE("lists, names and odd values are read") {
    const Unet2dConfig odd = Unet2dConfig::fromJson(readGoldenJson("tiny-odd/unet/config.json"));
    CHECK(odd.layersPerBlock == std::vector<int64_t>{1, 2, 1});
    CHECK(odd.downTransformers == Lists{{2}, {1, 1}, {1}});
    CHECK(odd.upTransformers == Lists{{1, 1}, {1, 1, 1}, {2, 2}});
    CHECK(odd.heads == std::vector<int64_t>{2, 3, 5});
    CHECK(odd.midBlock);
    CHECK_FALSE(odd.midAttention);
    CHECK(odd.midScale == 1.5f);
    CHECK(odd.timeEmbeddingWidth == 36);
    CHECK(odd.centerInput);
    CHECK_FALSE(odd.flipSinToCos);
    CHECK(odd.inputKernel == 1);
    CHECK(odd.outputKernel == 5);
    const Unet2dConfig lcm = Unet2dConfig::fromJson(readGoldenJson("unet-lcm/config.json"));
    CHECK_FALSE(lcm.midBlock);
    CHECK_FALSE(lcm.padDownsampleAround);
    CHECK(lcm.timeConditionWidth == 6);
    const Unet2dConfig named =
        Unet2dConfig::fromJson({{"num_attention_heads", 5}, {"attention_head_dim", 8}});
    CHECK(named.heads == std::vector<int64_t>{5, 5, 5, 5});
}

TEST_CASE("what is told besides the prompt needs both of its widths") {
    const json good = readGoldenJson("tiny-xl/unet/config.json");
    const Unet2dConfig xl = Unet2dConfig::fromJson(good);
    CHECK(xl.additionWidth == 46);
    CHECK(xl.additionNumberWidth == 6);
    CHECK(xl.downTransformers == Lists{{1, 1}, {2, 2}, {3, 3}});
    CHECK(xl.midTransformer == 3);
    for (const char* key : {"projection_class_embeddings_input_dim", "addition_time_embed_dim"}) {
        json without = good;
        without.erase(key);
        const std::string found = thrownBy([&] { Unet2dConfig::fromJson(without); });
        CHECK(kinora::test::contains(found, key));
    }
}

TEST_CASE("blocks that attend to nothing may say any width") {
    json config = readGoldenJson("tiny-sd1/unet/config.json");
    const std::vector<std::string> types = config.at("down_block_types");
    REQUIRE(types.back() == "DownBlock2D");
    config["mid_block_type"] = "UNetMidBlock2D";
    config["cross_attention_dim"] = {16, 16, 16, 99};
    CHECK(Unet2dConfig::fromJson(config).crossAttentionWidth == 16);
    CHECK_FALSE(Unet2dConfig::fromJson(config).takesPrompts(99));
    config["down_block_types"] = std::vector<std::string>(4, "DownBlock2D");
    config["up_block_types"] = std::vector<std::string>(4, "UpBlock2D");
    CHECK(Unet2dConfig::fromJson(config).takesPrompts(99));
}

TEST_CASE("pictures need not be square") {
    const Unet2dConfig config = Unet2dConfig::fromJson({{"sample_size", {64, 96}}});
    CHECK(config.sampleHeight == 64);
    CHECK(config.sampleWidth == 96);
}

TEST_CASE("a value that is not followed is named, a wrong one too") {
    const json good = readGoldenJson("tiny-sd1/unet/config.json");
    const std::pair<json, const char*> changes[] = {
        {{{"class_embed_type", "timestep"}}, "unsupported: \"class_embed_type\": \"timestep\""},
        {{{"num_class_embeds", 1000}}, "unsupported: \"num_class_embeds\""},
        {{{"addition_embed_type", "text_image"}}, "unsupported: \"addition_embed_type\""},
        {{{"encoder_hid_dim", 768}, {"encoder_hid_dim_type", "image_proj"}},
         "unsupported: \"encoder_hid_dim_type\""},
        {{{"encoder_hid_dim_type", "text_proj"}}, "bad-file: \"encoder_hid_dim\""},
        {{{"resnet_time_scale_shift", "spatial"}}, "unsupported: \"resnet_time_scale_shift\""},
        {{{"time_embedding_type", "learnt"}}, "unsupported: \"time_embedding_type\""},
        {{{"time_embedding_type", "fourier"}, {"time_embedding_dim", 7}},
         "bad-file: \"time_embedding_dim\""},
        {{{"time_embedding_act_fn", "softsign"}}, "unsupported: \"time_embedding_act_fn\""},
        {{{"timestep_post_act", "softsign"}}, "unsupported: \"timestep_post_act\""},
        {{{"attention_type", "joint"}}, "unsupported: \"attention_type\""},
        {{{"only_cross_attention", {true, false}}}, "bad-file: \"only_cross_attention\""},
        {{{"cross_attention_dim", {1, 2, 3, 4}}}, "bad-file: \"cross_attention_dim\""},
        {{{"transformer_layers_per_block", {{1}, {2}, {3}, {4}}}},
         "bad-file: \"reverse_transformer_layers_per_block\""},
        {{{"reverse_transformer_layers_per_block", {{1}, {1}, {1}, {1}}}},
         "bad-file: \"reverse_transformer_layers_per_block\""},
        {{{"dual_cross_attention", true}}, "unsupported: \"dual_cross_attention\""},
        {{{"mid_block_type", "UNetMidBlock2DSimpleCrossAttn"}}, "unsupported: \"mid_block_type\""},
        {{{"down_block_types", {"KDownBlock2D"}}}, "unsupported: \"down_block_types\""},
        {{{"up_block_types", {"SkipUpBlock2D"}}}, "unsupported: \"up_block_types\""},
        {{{"act_fn", "prelu"}}, "unsupported: \"act_fn\": \"prelu\""},
        {{{"conv_in_kernel", 4}}, "unsupported: \"conv_in_kernel\""},
        {{{"norm_num_groups", nullptr}}, "unsupported: \"norm_num_groups\""},
        {{{"novel_key", 1}}, "unsupported: \"novel_key\" is not a key"},
        {{{"in_channels", 0}}, "bad-file: \"in_channels\""},
        {{{"out_channels", -4}}, "bad-file: \"out_channels\""},
        {{{"block_out_channels", {4, -8, 8, 8}}}, "bad-file: \"block_out_channels\""},
        {{{"block_out_channels", {4, 1000000000, 8, 8}}}, "bad-file: \"block_out_channels\""},
        {{{"block_out_channels", json::array()}}, "bad-file: \"block_out_channels\""},
        {{{"block_out_channels", 320}}, "bad-file: \"block_out_channels\""},
        {{{"block_out_channels", {4, 8}}}, "bad-file: \"down_block_types\""},
        {{{"up_block_types", {"UpBlock2D"}}}, "bad-file: \"up_block_types\""},
        {{{"layers_per_block", 1000000000}}, "bad-file: \"layers_per_block\""},
        {{{"layers_per_block", 0}}, "bad-file: \"layers_per_block\""},
        {{{"layers_per_block", {1, 2}}}, "bad-file: \"layers_per_block\""},
        {{{"layers_per_block", "2"}}, "bad-file: \"layers_per_block\""},
        {{{"attention_head_dim", {1, 2}}}, "bad-file: \"attention_head_dim\""},
        {{{"transformer_layers_per_block", 100}}, "bad-file: \"transformer_layers_per_block\""},
        {{{"norm_eps", "small"}}, "bad-file: \"norm_eps\""},
        {{{"downsample_padding", 2}}, "bad-file: \"downsample_padding\""},
        {{{"mid_block_scale_factor", 0}}, "bad-file: \"mid_block_scale_factor\""},
        {{{"freq_shift", 2}}, "bad-file: \"freq_shift\""},
        {{{"time_embedding_dim", 0}}, "bad-file: \"time_embedding_dim\""},
        {{{"use_linear_projection", 1}}, "bad-file: \"use_linear_projection\""},
        {{{"sample_size", -1}}, "bad-file: \"sample_size\""},
    };
    for (const auto& [change, message] : changes) {
        json config = good;
        config.update(change);
        const std::string expected = message;
        const size_t colon = expected.find(": ");
        const std::string found = thrownBy([&] { Unet2dConfig::fromJson(config); });
        CAPTURE(found);
        CHECK(found.starts_with(expected.substr(0, colon) +
                                ": unet/config.json: " + expected.substr(colon + 2)));
    }
}
