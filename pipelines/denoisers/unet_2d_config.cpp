#include "pipelines/blocks/activation_name.h"
#include "pipelines/denoisers/unet_2d.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostChannels = 65536;
constexpr int64_t kMostLayers = 64; // in a block

// Which of the blocks have transformers. Older files write "UNetRes" before the names.
std::vector<bool> readAttention(ConfigReader& reader, std::string_view key,
                                std::vector<std::string> fallback, std::string_view plain,
                                std::string_view withAttention) {
    std::vector<bool> attention;
    for (const std::string& name : reader.texts(key, std::move(fallback))) {
        const std::string_view type =
            name.starts_with("UNetRes") ? std::string_view(name).substr(7) : name;
        if (type != plain && type != withAttention) reader.unsupported(key);
        attention.push_back(type == withAttention);
    }
    return attention;
}

void readBlocks(ConfigReader& reader, Unet2dConfig& config) {
    config.blockChannels =
        reader.integers("block_out_channels", {320, 640, 1280, 1280}, 1, kMostChannels);
    const size_t count = config.blockChannels.size();
    const std::string perBlock =
        "a list of " + std::to_string(count) + ", one for each of \"block_out_channels\"";
    config.downAttention = readAttention(
        reader, "down_block_types",
        {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"},
        "DownBlock2D", "CrossAttnDownBlock2D");
    config.upAttention = readAttention(
        reader, "up_block_types",
        {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"},
        "UpBlock2D", "CrossAttnUpBlock2D");
    if (config.downAttention.size() != count) reader.badValue("down_block_types", perBlock);
    if (config.upAttention.size() != count) reader.badValue("up_block_types", perBlock);
    config.layersPerBlock = reader.integerForEach("layers_per_block", count, 2, 1, kMostLayers);
    config.transformerLayers =
        reader.integerForEach("transformer_layers_per_block", count, 1, 1, kMostLayers);
    // The reference's names are historical: attention_head_dim is the number of heads.
    const bool named = reader.has("num_attention_heads");
    config.heads = reader.integerForEach("attention_head_dim", count, 8, 1, kMostChannels);
    if (named)
        config.heads = reader.integerForEach("num_attention_heads", count, 8, 1, kMostChannels);
    reader.requireDefault("reverse_transformer_layers_per_block", nullptr);
}

void readMiddle(ConfigReader& reader, const nlohmann::json& json, Unet2dConfig& config) {
    // Absent is the usual middle block, null is none.
    const auto type = json.find("mid_block_type");
    config.midBlock = type == json.end() || !type->is_null();
    const std::string name = reader.text("mid_block_type", "UNetMidBlock2DCrossAttn");
    if (name != "UNetMidBlock2DCrossAttn" && name != "UNetMidBlock2D")
        reader.unsupported("mid_block_type");
    config.midAttention = config.midBlock && name == "UNetMidBlock2DCrossAttn";
    config.midScale = static_cast<float>(reader.number("mid_block_scale_factor", 1, 1e-3, 1e3));
}

int readKernel(ConfigReader& reader, std::string_view key) {
    const int64_t kernel = reader.integer(key, 3, 1, 31);
    if (kernel % 2 == 0) reader.unsupported(key);
    return static_cast<int>(kernel);
}

void readTime(ConfigReader& reader, Unet2dConfig& config) {
    config.flipSinToCos = reader.boolean("flip_sin_to_cos", true);
    // The frequencies' exponent is divided by half the channels minus this.
    const double half = static_cast<double>(config.blockChannels[0] / 2);
    config.frequencyShift = static_cast<float>(reader.number("freq_shift", 0, -1e3, 1e3));
    if (half > 0 && config.frequencyShift == half)
        reader.badValue("freq_shift", "another number than half the first channel count");
    config.timeEmbeddingWidth =
        reader.integer("time_embedding_dim", 4 * config.blockChannels[0], 1, 4 * kMostChannels);
    config.timeConditionWidth = reader.integer("time_cond_proj_dim", 0, 1, kMostChannels);
    reader.requireDefault("time_embedding_type", "positional");
    reader.requireDefault("time_embedding_act_fn", nullptr);
    reader.requireDefault("timestep_post_act", nullptr);
}

void readAddition(ConfigReader& reader, Unet2dConfig& config) {
    if (!reader.has("addition_embed_type")) {
        reader.requireDefault("projection_class_embeddings_input_dim", nullptr);
        reader.ignore({"addition_time_embed_dim"});
        return;
    }
    if (reader.text("addition_embed_type", "") != "text_time")
        reader.unsupported("addition_embed_type");
    for (const char* key : {"projection_class_embeddings_input_dim", "addition_time_embed_dim"})
        if (!reader.has(key)) reader.badValue(key, "a number, as \"addition_embed_type\" is set");
    config.additionWidth =
        reader.integer("projection_class_embeddings_input_dim", 0, 1, kMostChannels);
    config.additionNumberWidth = reader.integer("addition_time_embed_dim", 0, 1, kMostChannels);
}

bool allFalse(const nlohmann::json& value) {
    const auto isFalse = [](const nlohmann::json& v) { return v.is_boolean() && !v.get<bool>(); };
    return isFalse(value) || (value.is_array() && std::all_of(value.begin(), value.end(), isFalse));
}

// What other architectures switch on.
void requireDefaults(ConfigReader& reader, const nlohmann::json& json) {
    if (reader.has("only_cross_attention") && !allFalse(json.at("only_cross_attention")))
        reader.unsupported("only_cross_attention");
    reader.requireDefault("dual_cross_attention", false);
    reader.requireDefault("mid_block_only_cross_attention", false);
    reader.requireDefault("class_embed_type", nullptr);
    reader.requireDefault("num_class_embeds", nullptr);
    reader.requireDefault("class_embeddings_concat", false);
    reader.requireDefault("encoder_hid_dim", nullptr);
    reader.requireDefault("encoder_hid_dim_type", nullptr);
    reader.requireDefault("resnet_time_scale_shift", "default");
    reader.requireDefault("resnet_skip_time_act", false);
    reader.requireDefault("resnet_out_scale_factor", 1.0);
    reader.requireDefault("attention_type", "default");
    reader.requireDefault("cross_attention_norm", nullptr);
    // Softmax is in f32 always, which is what upcast_attention asks for.
    reader.ignore({"upcast_attention", "dropout", "addition_embed_type_num_heads"});
}

int64_t readCrossAttentionWidth(ConfigReader& reader, const nlohmann::json& json, size_t count) {
    const auto value = json.find("cross_attention_dim");
    const bool isList = value != json.end() && value->is_array();
    const std::vector<int64_t> widths =
        reader.integerForEach("cross_attention_dim", count, 1280, 1, kMostChannels);
    if (isList &&
        std::adjacent_find(widths.begin(), widths.end(), std::not_equal_to<>()) != widths.end())
        reader.unsupported("cross_attention_dim");
    return widths.front();
}

} // namespace

Unet2dConfig Unet2dConfig::fromJson(const nlohmann::json& json, std::string_view file) {
    ConfigReader reader(json, file);
    Unet2dConfig config{};
    config.inChannels = reader.integer("in_channels", 4, 1, 1024);
    config.outChannels = reader.integer("out_channels", 4, 1, 1024);
    config.sampleSize = reader.squareSize("sample_size", 65536);
    readBlocks(reader, config);
    config.crossAttentionWidth = readCrossAttentionWidth(reader, json, config.blockChannels.size());
    readMiddle(reader, json, config);
    readTime(reader, config);
    readAddition(reader, config);
    if (json.contains("norm_num_groups") && !reader.has("norm_num_groups"))
        reader.unsupported("norm_num_groups");
    config.normGroups = reader.integer("norm_num_groups", 32, 1, kMostChannels);
    config.normEpsilon = static_cast<float>(reader.number("norm_eps", 1e-5, 0, 1));
    config.linearProjection = reader.boolean("use_linear_projection", false);
    config.centerInput = reader.boolean("center_input_sample", false);
    config.padDownsampleAround = reader.integer("downsample_padding", 1, 0, 1) == 1;
    config.inputKernel = readKernel(reader, "conv_in_kernel");
    config.outputKernel = readKernel(reader, "conv_out_kernel");
    config.activation = readActivation(reader, "act_fn", "silu");
    requireDefaults(reader, json);
    reader.finish();
    return config;
}

} // namespace kinora::pipelines
