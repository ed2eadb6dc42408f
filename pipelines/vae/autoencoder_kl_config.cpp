#include "pipelines/blocks/activation_name.h"
#include "pipelines/vae/autoencoder_kl.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <string>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostChannels = 65536;

// Which of the blocks attend.
std::vector<bool> readAttention(ConfigReader& reader, std::string_view key,
                                const std::string& plain, size_t count) {
    const std::string attending = "Attn" + plain;
    std::vector<bool> attention;
    for (const std::string& type : reader.texts(key, {plain})) {
        if (type != plain && type != attending) reader.unsupported(key);
        attention.push_back(type == attending);
    }
    if (attention.size() != count)
        reader.badValue(key, "a list of " + std::to_string(count) +
                                 ", one for each of \"block_out_channels\"");
    return attention;
}

// Those of the latents' channels; both or none, as the reference has it.
void readStatistics(ConfigReader& reader, AutoencoderKlConfig& config) {
    const bool hasMeans = reader.has("latents_mean"), hasDeviations = reader.has("latents_std");
    if (!hasMeans || !hasDeviations) return;
    const auto count = static_cast<size_t>(config.latentChannels);
    config.latentMeans = reader.numbers("latents_mean", count, -1e6, 1e6);
    config.latentDeviations = reader.numbers("latents_std", count, 1e-6, 1e6);
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
    config.downAttention = readAttention(reader, "down_block_types", "DownEncoderBlock2D", count);
    config.upAttention = readAttention(reader, "up_block_types", "UpDecoderBlock2D", count);
    config.layersPerBlock = reader.integer("layers_per_block", 1, 1, 64);
    config.normGroups = reader.integer("norm_num_groups", 32, 1, kMostChannels);
    config.midAttention = reader.boolean("mid_block_add_attention", true);
    config.quantConv = reader.boolean("use_quant_conv", true);
    config.postQuantConv = reader.boolean("use_post_quant_conv", true);
    config.scalingFactor = static_cast<float>(reader.number("scaling_factor", 0.18215, 1e-6, 1e6));
    config.activation = readActivation(reader, "act_fn", "silu");
    readStatistics(reader, config);
    reader.ignore({"sample_size"}); // of the pictures that it was trained on: it takes any
    // Stable Diffusion's pipelines shift no latents, whatever shift_factor says; force_upcast is
    // about half precision, which is not used here.
    reader.ignore({"shift_factor", "force_upcast"});
    reader.finish();
    return config;
}

} // namespace kinora::pipelines
