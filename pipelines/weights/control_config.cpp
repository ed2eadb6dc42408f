#include "pipelines/weights/control_config.h"

#include "kernels/base/error.h"

#include <nlohmann/json.hpp>

#include <vector>

namespace kinora::pipelines {
namespace {

using kernels::Shape;
using nlohmann::json;

constexpr size_t kMostParts = 64; // counted of anything

constexpr const char* kShared[] = {
    "act_fn",
    "addition_embed_type",
    "addition_time_embed_dim",
    "attention_head_dim",
    "block_out_channels",
    "cross_attention_dim",
    "down_block_types",
    "downsample_padding",
    "flip_sin_to_cos",
    "freq_shift",
    "layers_per_block",
    "mid_block_scale_factor",
    "mid_block_type",
    "norm_eps",
    "norm_num_groups",
    "num_attention_heads",
    "only_cross_attention",
    "projection_class_embeddings_input_dim",
    "resnet_time_scale_shift",
    "transformer_layers_per_block",
    "upcast_attention",
    "use_linear_projection",
};

// Of a tensor of that rank; throws where there is none.
Shape shapeOf(const WeightSource& weights, const std::string& name, int rank) {
    const auto info = weights.find(name, {});
    if (info && info->shape.rank() == rank) return info->shape;
    throw Error(ErrorCode::BadFile,
                weights.label() + ": tensor \"" + name + "\" is missing or has no sense.",
                "The file is damaged; get it again.");
}

// How many there are of prefix + "0" + suffix, prefix + "1" + suffix ...
size_t countOf(const WeightSource& weights, const std::string& prefix, const std::string& suffix) {
    size_t count = 0;
    while (count < kMostParts && weights.find(prefix + std::to_string(count) + suffix, {})) ++count;
    return count;
}

size_t transformersIn(const WeightSource& weights, const std::string& block) {
    return countOf(weights, block + ".attentions.0.transformer_blocks.", ".attn2.to_k.weight");
}

// What unshuffles to that many channels: gray or coloured pictures, blocks of 8 or 16 pixels.
struct Unshuffled {
    int64_t channels, pictureChannels, factor;
};
constexpr Unshuffled kUnshuffled[] = {{64, 1, 8}, {192, 3, 8}, {256, 1, 16}, {768, 3, 16}};

// What sees the picture first, in a light one and in a full one.
std::string firstConvolution(const WeightSource& file, const std::string& prefix) {
    const std::string light = prefix + "body.0.in_conv.weight";
    return file.find(light, {}) ? light : prefix + "conv_in.weight";
}

const Unshuffled* unshuffledOf(const WeightSource& file, const std::string& prefix) {
    const auto info = file.find(firstConvolution(file, prefix), {});
    if (!info || info->shape.rank() != 4) return nullptr;
    for (const Unshuffled& row : kUnshuffled)
        if (row.channels == info->shape[1]) return &row;
    return nullptr;
}

json lightAdapterConfig(const WeightSource& file, const std::string& prefix,
                        const Unshuffled& unshuffled) {
    const std::string body = prefix + "body.";
    const char* const blocks =
        file.find(body + "0.resnets.0.block1.weight", {}) ? "0.resnets." : "0.body.";
    std::vector<int64_t> channels; // the last level has those of the one before
    const size_t levels = countOf(file, body, ".out_conv.weight");
    for (size_t i = 0; i + 1 < levels; ++i)
        channels.push_back(shapeOf(file, body + std::to_string(i) + ".out_conv.weight", 4)[0]);
    return {{"adapter_type", "light_adapter"},
            {"channels", channels},
            {"downscale_factor", unshuffled.factor},
            {"in_channels", unshuffled.pictureChannels},
            {"num_res_blocks", countOf(file, body + blocks, ".block1.weight")}};
}

} // namespace

json controlNetLike(const json& unet) {
    json like = json::object();
    for (const char* key : kShared)
        if (const auto found = unet.find(key); found != unet.end()) like[key] = *found;
    const auto fill = [&](const char* key, const json& usual) {
        if (!like.contains(key)) like[key] = usual; // what the reference takes
    };
    fill("block_out_channels", {320, 640, 1280, 1280});
    fill("layers_per_block", 2);
    fill("down_block_types",
         {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"});
    return like;
}

json controlNetConfig(json config, const WeightSource& weights) {
    const std::string embedding = "controlnet_cond_embedding.";
    config["in_channels"] = shapeOf(weights, "conv_in.weight", 4)[1];
    const Shape first = shapeOf(weights, embedding + "conv_in.weight", 4);
    config["conditioning_channels"] = first[1];
    std::vector<int64_t> channels{first[0]};
    const size_t blocks = countOf(weights, embedding + "blocks.", ".weight");
    for (size_t i = 1; i < blocks; i += 2) // every second one widens
        channels.push_back(
            shapeOf(weights, embedding + "blocks." + std::to_string(i) + ".weight", 4)[0]);
    config["conditioning_embedding_out_channels"] = channels;

    const size_t levels = config.at("down_block_types").size();
    std::vector<std::string> types;
    std::vector<size_t> depths;
    for (size_t i = 0; i < levels; ++i) {
        const size_t depth = transformersIn(weights, "down_blocks." + std::to_string(i));
        types.emplace_back(depth > 0 ? "CrossAttnDownBlock2D" : "DownBlock2D");
        depths.push_back(std::max<size_t>(depth, 1));
    }
    const size_t middle = transformersIn(weights, "mid_block");
    if (types.back() == "DownBlock2D") depths.back() = std::max<size_t>(middle, 1);
    config["mid_block_type"] = middle > 0 ? "UNetMidBlock2DCrossAttn" : "UNetMidBlock2D";
    config["down_block_types"] = types;
    config["transformer_layers_per_block"] = depths;
    return config;
}

json adapterConfig(const WeightSource& file, const std::string& prefix, const std::string& label) {
    const Unshuffled* const unshuffled = unshuffledOf(file, prefix);
    if (!unshuffled)
        throw Error(ErrorCode::BadFile,
                    label + ": its first convolution takes no picture that is known here.",
                    "The file is damaged, or needs its diffusers folder.");
    if (firstConvolution(file, prefix) != prefix + "conv_in.weight")
        return lightAdapterConfig(file, prefix, *unshuffled);
    // In the first authors' layout the residual blocks are numbered through, two for each size.
    constexpr int kBlocks = 2;
    const bool numberedThrough = file.find(prefix + "body.0.block1.weight", {}).has_value();
    const std::string body = prefix + "body.";
    size_t residuals = kBlocks;
    if (!numberedThrough) residuals = countOf(file, body + "0.resnets.", ".block1.weight");
    std::vector<int64_t> channels;
    const std::string end = numberedThrough ? ".block1.weight" : ".resnets.0.block1.weight";
    const size_t count = countOf(file, body, end) / (numberedThrough ? kBlocks : 1);
    for (size_t i = 0; i < count; ++i)
        channels.push_back(
            shapeOf(file, body + std::to_string(numberedThrough ? kBlocks * i : i) + end, 4)[0]);
    return {{"adapter_type", unshuffled->factor == 16 ? "full_adapter_xl" : "full_adapter"},
            {"channels", channels},
            {"downscale_factor", unshuffled->factor},
            {"in_channels", unshuffled->pictureChannels},
            {"num_res_blocks", residuals}};
}

std::string familyOfAdapter(const WeightSource& file, const std::string& prefix) {
    constexpr int64_t kChannels = 320; // of the first level, in both families
    const Unshuffled* const unshuffled = unshuffledOf(file, prefix);
    const bool light = firstConvolution(file, prefix) != prefix + "conv_in.weight";
    const char* const level = light ? "body.0.out_conv.weight" : "conv_in.weight";
    if (!unshuffled || shapeOf(file, prefix + level, 4)[0] != kChannels) return {};
    return unshuffled->factor == 16 ? "SDXL" : "Stable Diffusion 1.x";
}

} // namespace kinora::pipelines
