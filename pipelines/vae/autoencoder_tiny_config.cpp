#include "pipelines/blocks/activation_name.h"
#include "pipelines/vae/autoencoder_tiny.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <string>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostChannels = 65536, kMostBlocks = 64;

void checkLevels(ConfigReader& reader, std::string_view key, const std::vector<int64_t>& blocks,
                 const std::vector<int64_t>& channels) {
    if (blocks.size() != channels.size())
        reader.badValue(key, "a list of " + std::to_string(channels.size()) +
                                 ", one for each level of channels");
}

} // namespace

AutoencoderTinyConfig::operator VaeConfig() const {
    return {inChannels,     outChannels,
            latentChannels, int64_t{1} << (decoderChannels.size() - 1),
            scalingFactor,  Encoding::Exact};
}

AutoencoderTinyConfig AutoencoderTinyConfig::fromJson(const nlohmann::json& json,
                                                      std::string_view file) {
    ConfigReader reader(json, file);
    AutoencoderTinyConfig config{};
    config.inChannels = reader.integer("in_channels", 3, 1, 1024);
    config.outChannels = reader.integer("out_channels", 3, 1, 1024);
    config.latentChannels = reader.integer("latent_channels", 4, 1, 1024);
    config.encoderChannels =
        reader.integers("encoder_block_out_channels", {64, 64, 64, 64}, 1, kMostChannels);
    config.decoderChannels =
        reader.integers("decoder_block_out_channels", {64, 64, 64, 64}, 1, kMostChannels);
    config.encoderBlocks = reader.integers("num_encoder_blocks", {1, 3, 3, 3}, 0, kMostBlocks);
    config.decoderBlocks = reader.integers("num_decoder_blocks", {3, 3, 3, 1}, 0, kMostBlocks);
    checkLevels(reader, "num_encoder_blocks", config.encoderBlocks, config.encoderChannels);
    checkLevels(reader, "num_decoder_blocks", config.decoderBlocks, config.decoderChannels);
    // The convolutions between levels keep their channels, so all levels have the same.
    for (const auto* channels : {&config.encoderChannels, &config.decoderChannels})
        for (const int64_t count : *channels)
            if (count != channels->front())
                reader.unsupported(channels == &config.encoderChannels
                                       ? "encoder_block_out_channels"
                                       : "decoder_block_out_channels");
    if (config.encoderChannels.size() != config.decoderChannels.size())
        reader.badValue("encoder_block_out_channels", "as many levels as the decoder has");
    config.activation = readActivation(reader, "act_fn", "relu");
    config.scalingFactor = static_cast<float>(reader.number("scaling_factor", 1, 1e-6, 1e6));
    reader.requireDefault("upsample_fn", "nearest");
    reader.requireDefault("upsampling_scaling_factor", 2);
    // About storing latents as bytes, half precision, and what other families do.
    reader.ignore(
        {"latent_magnitude", "latent_shift", "force_upcast", "shift_factor", "block_out_channels"});
    reader.finish();
    return config;
}

} // namespace kinora::pipelines
