#include "pipelines/blocks/activation_name.h"
#include "pipelines/vae/autoencoder_kl.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostChannels = 65536;

void checkBlockTypes(ConfigReader& reader, std::string_view key, const std::string& type,
                     size_t count) {
    const std::vector<std::string> types = reader.texts(key, {type});
    if (std::any_of(types.begin(), types.end(), [&type](const auto& t) { return t != type; }))
        reader.unsupported(key);
    if (types.size() != count)
        reader.badValue(key, "a list of " + std::to_string(count) +
                                 ", one for each of \"block_out_channels\"");
}

} // namespace

AutoencoderKlConfig AutoencoderKlConfig::fromJson(const nlohmann::json& json,
                                                  std::string_view file) {
    ConfigReader reader(json, file);
    AutoencoderKlConfig config{};
    config.inChannels = reader.integer("in_channels", 3, 1, 1024);
    config.outChannels = reader.integer("out_channels", 3, 1, 1024);
    config.latentChannels = reader.integer("latent_channels", 4, 1, 1024);
    config.blockChannels = reader.integers("block_out_channels", {64}, 1, kMostChannels);
    const size_t count = config.blockChannels.size();
    checkBlockTypes(reader, "down_block_types", "DownEncoderBlock2D", count);
    checkBlockTypes(reader, "up_block_types", "UpDecoderBlock2D", count);
    config.layersPerBlock = reader.integer("layers_per_block", 1, 1, 64);
    config.normGroups = reader.integer("norm_num_groups", 32, 1, kMostChannels);
    config.sampleSize = reader.squareSize("sample_size", 65536);
    config.midAttention = reader.boolean("mid_block_add_attention", true);
    config.quantConv = reader.boolean("use_quant_conv", true);
    config.postQuantConv = reader.boolean("use_post_quant_conv", true);
    config.scalingFactor = static_cast<float>(reader.number("scaling_factor", 0.18215, 1e-6, 1e6));
    config.activation = readActivation(reader, "act_fn", "silu");
    reader.requireDefault("latents_mean", nullptr);
    reader.requireDefault("latents_std", nullptr);
    // Stable Diffusion's pipelines shift no latents, whatever shift_factor says; force_upcast is
    // about half precision, which is not used here.
    reader.ignore({"shift_factor", "force_upcast"});
    reader.finish();
    return config;
}

} // namespace kinora::pipelines
