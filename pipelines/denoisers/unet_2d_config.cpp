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
    // The reference's names are historical: attention_head_dim is the number of heads.
    const bool named = reader.has("num_attention_heads");
    config.heads = reader.integerForEach("attention_head_dim", count, 8, 1, kMostChannels);
    if (named)
        config.heads = reader.integerForEach("num_attention_heads", count, 8, 1, kMostChannels);
    config.onlyCrossAttention = reader.booleanForEach("only_cross_attention", count, false);
}

bool hasLists(const nlohmann::json& json, std::string_view key) {
    const auto value = json.find(key);
    return value != json.end() && value->is_array() &&
           std::any_of(value->begin(), value->end(), [](const auto& v) { return v.is_array(); });
}

// A list in the list says it for each transformer of a block. The way up has one more than the way
// down, so that it has to say its own then.
void readTransformers(ConfigReader& reader, const nlohmann::json& json, Unet2dConfig& config) {
    constexpr const char* kDown = "transformer_layers_per_block";
    constexpr const char* kUp = "reverse_transformer_layers_per_block";
    const std::vector<int64_t>& resnets = config.layersPerBlock;
    std::vector<int64_t> upResnets(resnets.rbegin(), resnets.rend());
    for (int64_t& count : upResnets) ++count;
    config.downTransformers = reader.integersForEach(kDown, resnets, 1, 0, kMostLayers);
    config.midTransformer = config.downTransformers.back().front();
    if (reader.has(kUp))
        config.upTransformers = reader.integersForEach(kUp, upResnets, 1, 0, kMostLayers);
    else if (hasLists(json, kDown))
        reader.badValue(kUp, std::string("lists for the way up, as \"") + kDown + "\" has some");
    else
        for (size_t i = 0; i < upResnets.size(); ++i)
            config.upTransformers.emplace_back(
                upResnets[i], config.downTransformers[upResnets.size() - 1 - i].front());
    const auto checkLengths = [&](const char* key, const auto& lists, const auto& attends,
                                  const std::vector<int64_t>& counts) {
        for (size_t i = 0; i < counts.size(); ++i)
            if (attends[i] && lists[i].size() < static_cast<size_t>(counts[i]))
                reader.badValue(key, "a number for each transformer of block " + std::to_string(i));
    };
    checkLengths(kDown, config.downTransformers, config.downAttention, resnets);
    checkLengths(kUp, config.upTransformers, config.upAttention, upResnets);
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
    const std::string type = reader.text("time_embedding_type", "positional");
    if (type != "positional" && type != "fourier") reader.unsupported("time_embedding_type");
    config.fourierTime = type == "fourier";
    config.flipSinToCos = reader.boolean("flip_sin_to_cos", true);
    // The frequencies' exponent is divided by half the channels minus this.
    const double half = static_cast<double>(config.blockChannels[0] / 2);
    config.frequencyShift = static_cast<float>(reader.number("freq_shift", 0, -1e3, 1e3));
    if (half > 0 && config.frequencyShift == half && !config.fourierTime)
        reader.badValue("freq_shift", "another number than half the first channel count");
    config.timeEmbeddingWidth =
        reader.integer("time_embedding_dim", (config.fourierTime ? 2 : 4) * config.blockChannels[0],
                       1, 4 * kMostChannels);
    if (config.fourierTime && config.timeEmbeddingWidth % 2 != 0)
        reader.badValue("time_embedding_dim", "an even number, as the embedding is Fourier's");
    config.timeConditionWidth = reader.integer("time_cond_proj_dim", 0, 1, kMostChannels);
    config.afterTime = readActivation(reader, "timestep_post_act", "linear");
    config.afterAddition = readActivation(reader, "time_embedding_act_fn", "linear");
    const std::string use = reader.text("resnet_time_scale_shift", "default");
    if (use != "default" && use != "scale_shift") reader.unsupported("resnet_time_scale_shift");
    config.timeUse = use == "default" ? TimeUse::Added : TimeUse::ScaleAndShift;
}

void readAddition(ConfigReader& reader, Unet2dConfig& config) {
    if (!reader.has("addition_embed_type")) {
        reader.ignore({"projection_class_embeddings_input_dim", "addition_time_embed_dim"});
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

// What other architectures switch on.
void requireDefaults(ConfigReader& reader) {
    reader.requireDefault("dual_cross_attention", false);
    reader.requireDefault("class_embed_type", nullptr);
    reader.requireDefault("num_class_embeds", nullptr);
    reader.requireDefault("class_embeddings_concat", false);
    // What GLIGEN's blocks add counts where boxes are given alone.
    const std::string attention = reader.text("attention_type", "default");
    if (attention != "default" && attention != "gated" && attention != "gated-text-image")
        reader.unsupported("attention_type");
    // Read by blocks of other types alone, which are refused.
    reader.ignore({"resnet_skip_time_act", "resnet_out_scale_factor", "cross_attention_norm",
                   "mid_block_only_cross_attention"});
    // Softmax is in f32 always, which is what upcast_attention asks for.
    reader.ignore({"upcast_attention", "dropout", "addition_embed_type_num_heads"});
}

// One width for each block may be written; those that attend can but have the prompt's.
void readPrompt(ConfigReader& reader, Unet2dConfig& config) {
    const size_t count = config.blockChannels.size();
    const std::vector<int64_t> widths =
        reader.integerForEach("cross_attention_dim", count, 1280, 1, kMostChannels);
    std::vector<int64_t> attended;
    for (size_t i = 0; i < count; ++i) {
        if (config.downAttention[i]) attended.push_back(widths[i]);
        if (config.upAttention[i]) attended.push_back(widths[count - 1 - i]);
    }
    if (config.midAttention) attended.push_back(widths.back());
    if (std::adjacent_find(attended.begin(), attended.end(), std::not_equal_to<>()) !=
        attended.end())
        reader.badValue("cross_attention_dim", "one width for all blocks that attend");
    config.crossAttentionWidth = attended.empty() ? widths.front() : attended.front();
    config.promptProjectionWidth = reader.integer("encoder_hid_dim", 0, 1, kMostChannels);
    config.promptWidth =
        config.promptProjectionWidth ? config.promptProjectionWidth : config.crossAttentionWidth;
    config.takesAnyPrompt = attended.empty() && !config.promptProjectionWidth;
    if (reader.text("encoder_hid_dim_type", "text_proj") != "text_proj")
        reader.unsupported("encoder_hid_dim_type");
    if (reader.has("encoder_hid_dim_type") && !config.promptProjectionWidth)
        reader.badValue("encoder_hid_dim", "a number, as \"encoder_hid_dim_type\" is set");
}

} // namespace

Unet2dConfig Unet2dConfig::fromJson(const nlohmann::json& json, std::string_view file) {
    ConfigReader reader(json, file);
    Unet2dConfig config{};
    config.inChannels = reader.integer("in_channels", 4, 1, 1024);
    config.outChannels = reader.integer("out_channels", 4, 1, 1024);
    const auto [sampleHeight, sampleWidth] = reader.size("sample_size", 65536);
    config.sampleHeight = sampleHeight;
    config.sampleWidth = sampleWidth;
    readBlocks(reader, config);
    readTransformers(reader, json, config);
    readMiddle(reader, json, config);
    readPrompt(reader, config);
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
    requireDefaults(reader);
    reader.finish();
    return config;
}

} // namespace kinora::pipelines
