#include "pipelines/weights/checkpoint_names.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::pipelines {
namespace {

using nlohmann::json;

std::string numbered(const std::string& name, size_t number) {
    return name + "." + std::to_string(number);
}

// One count for all blocks, or one for each.
std::vector<size_t> layersOf(const json& config, size_t blocks) {
    const json& layers = config.at("layers_per_block");
    if (layers.is_array()) return layers.get<std::vector<size_t>>();
    return std::vector<size_t>(blocks, layers.get<size_t>());
}

bool hasAttention(const json& blockType) {
    return blockType.get<std::string>().starts_with("CrossAttn");
}

} // namespace

void CheckpointNames::add(const std::string& stored, const std::string& here) {
    m_names[stored].push_back({here});
}

// openaimodel.ResBlock. The autoencoder's keeps the names that are used here.
void CheckpointNames::addResnet(const std::string& stored, const std::string& here) {
    add(stored + ".in_layers.0", here + ".norm1");
    add(stored + ".in_layers.2", here + ".conv1");
    add(stored + ".emb_layers.1", here + ".time_emb_proj");
    add(stored + ".out_layers.0", here + ".norm2");
    add(stored + ".out_layers.3", here + ".conv2");
    add(stored + ".skip_connection", here + ".conv_shortcut");
}

// Times, the way down and the middle: what a denoiser and a ControlNet share.
size_t CheckpointNames::addDownPath(const json& config) {
    add("time_embed.0", "time_embedding.linear_1");
    add("time_embed.2", "time_embedding.linear_2");
    add("label_emb.0.0", "add_embedding.linear_1");
    add("label_emb.0.2", "add_embedding.linear_2");
    add("input_blocks.0.0", "conv_in");
    addResnet("middle_block.0", "mid_block.resnets.0");
    add("middle_block.1", "mid_block.attentions.0");
    addResnet("middle_block.2", "mid_block.resnets.1");

    const json& down = config.at("down_block_types");
    const std::vector<size_t> layers = layersOf(config, down.size());
    size_t index = 1; // the file counts resnets and resamplers through all blocks
    for (size_t block = 0; block < down.size(); ++block) {
        const std::string here = numbered("down_blocks", block);
        for (size_t layer = 0; layer < layers[block]; ++layer, ++index) {
            const std::string stored = numbered("input_blocks", index);
            addResnet(stored + ".0", numbered(here + ".resnets", layer));
            if (hasAttention(down[block]))
                add(stored + ".1", numbered(here + ".attentions", layer));
        }
        if (block + 1 < down.size())
            add(numbered("input_blocks", index++) + ".0.op", here + ".downsamplers.0.conv");
    }
    return index;
}

CheckpointNames CheckpointNames::controlNet(const json& config) {
    CheckpointNames names;
    const size_t skips = names.addDownPath(config);
    for (size_t i = 0; i < skips; ++i)
        names.add(numbered("zero_convs", i) + ".0", numbered("controlnet_down_blocks", i));
    names.add("middle_block_out.0", "controlnet_mid_block");
    const std::string stored = "input_hint_block", here = "controlnet_cond_embedding";
    names.add(stored + ".0", here + ".conv_in");
    // Convolutions and activations in turn: each second number is a convolution.
    const auto widths = config.find("conditioning_embedding_out_channels");
    const size_t blocks = 2 * ((widths == config.end() ? 4 : widths->size()) - 1);
    for (size_t i = 0; i < blocks; ++i)
        names.add(numbered(stored, 2 * (i + 1)), numbered(here + ".blocks", i));
    names.add(numbered(stored, 2 * (blocks + 1)), here + ".conv_out");
    return names;
}

// There the blocks of all levels are numbered through.
CheckpointNames CheckpointNames::adapter(const json& config) {
    CheckpointNames names;
    const auto blocks = config.at("num_res_blocks").get<size_t>();
    if (config.at("adapter_type") == "light_adapter") {
        for (size_t level = 0; level <= config.at("channels").size(); ++level) {
            const std::string here = numbered("body", level);
            for (size_t i = 0; i < blocks; ++i)
                names.add(numbered(here + ".body", i), numbered(here + ".resnets", i));
            for (const char* same : {".in_conv", ".out_conv"}) names.add(here + same, here + same);
        }
        return names;
    }
    names.add("conv_in", "conv_in");
    for (size_t level = 0; level < config.at("channels").size(); ++level) {
        const std::string here = numbered("body", level);
        for (size_t i = 0; i < blocks; ++i)
            names.add(numbered("body", level * blocks + i), numbered(here + ".resnets", i));
        names.add(numbered("body", level * blocks) + ".in_conv", here + ".in_conv");
    }
    return names;
}

CheckpointNames CheckpointNames::unet(const json& config) {
    CheckpointNames names;
    names.addDownPath(config);
    names.add("out.0", "conv_norm_out");
    names.add("out.2", "conv_out");
    const std::vector<size_t> layers =
        layersOf(config, config.at("down_block_types").size()); // one for each down block
    size_t index = 0;
    const json& up = config.at("up_block_types");
    for (size_t block = 0; block < up.size(); ++block) {
        const std::string here = numbered("up_blocks", block);
        const bool attends = hasAttention(up[block]);
        const size_t count = layers[up.size() - 1 - block] + 1;
        for (size_t layer = 0; layer < count; ++layer, ++index) {
            const std::string stored = numbered("output_blocks", index);
            names.addResnet(stored + ".0", numbered(here + ".resnets", layer));
            if (attends) names.add(stored + ".1", numbered(here + ".attentions", layer));
            if (layer + 1 == count && block + 1 < up.size())
                names.add(stored + (attends ? ".2" : ".1") + ".conv", here + ".upsamplers.0.conv");
        }
    }
    return names;
}

CheckpointNames CheckpointNames::autoencoder(const json& config) {
    CheckpointNames names;
    names.add("quant_conv", "quant_conv");
    names.add("post_quant_conv", "post_quant_conv");
    const size_t blocks = config.at("block_out_channels").size();
    const size_t layers = config.at("layers_per_block").get<size_t>();
    for (const std::string half : {"encoder", "decoder"}) {
        names.add(half + ".conv_in", half + ".conv_in");
        names.add(half + ".norm_out", half + ".conv_norm_out");
        names.add(half + ".conv_out", half + ".conv_out");
        const std::string middle = half + ".mid_block";
        names.add(half + ".mid.block_1", middle + ".resnets.0");
        names.add(half + ".mid.block_2", middle + ".resnets.1");
        const std::string stored = half + ".mid.attn_1", attention = middle + ".attentions.0";
        names.add(stored + ".norm", attention + ".group_norm");
        names.add(stored + ".q", attention + ".to_q");
        names.add(stored + ".k", attention + ".to_k");
        names.add(stored + ".v", attention + ".to_v");
        names.add(stored + ".proj_out", attention + ".to_out.0");
    }
    for (size_t block = 0; block < blocks; ++block) {
        const std::string down = numbered("encoder.down", block);
        const std::string downHere = numbered("encoder.down_blocks", block);
        // The file counts the decoder's blocks from the largest picture, diffusers from the
        // latents.
        const std::string up = numbered("decoder.up", block);
        const std::string upHere = numbered("decoder.up_blocks", blocks - 1 - block);
        for (size_t layer = 0; layer <= layers; ++layer)
            for (const auto& [stored, here] : {std::pair(down, downHere), std::pair(up, upHere)}) {
                const std::string from = numbered(stored + ".block", layer);
                const std::string to = numbered(here + ".resnets", layer);
                names.add(from, to);
                names.add(from + ".nin_shortcut", to + ".conv_shortcut");
            }
        names.add(down + ".downsample.conv", downHere + ".downsamplers.0.conv");
        names.add(up + ".upsample.conv", upHere + ".upsamplers.0.conv");
    }
    return names;
}

CheckpointNames CheckpointNames::same(std::initializer_list<const char*> beginnings) {
    CheckpointNames names;
    for (const char* beginning : beginnings) names.add(beginning, beginning);
    return names;
}

CheckpointNames CheckpointNames::clipText() {
    CheckpointNames names;
    names.add("text_model", "text_model");
    for (const std::string part : {"embeddings", "encoder", "final_layer_norm"})
        names.add(part, "text_model." + part); // written by older versions of transformers
    names.ignore("text_model.embeddings.position_ids");
    names.ignore("embeddings.position_ids");
    return names;
}

CheckpointNames CheckpointNames::openClipText(const json& config, Projection projection) {
    CheckpointNames names;
    const std::string here = "text_model.";
    names.add("token_embedding", here + "embeddings.token_embedding");
    names.add("positional_embedding", here + "embeddings.position_embedding.weight");
    names.add("ln_final", here + "final_layer_norm");
    const size_t layers = config.at("num_hidden_layers").get<size_t>();
    for (size_t layer = 0; layer < layers; ++layer) {
        const std::string from = numbered("transformer.resblocks", layer);
        const std::string to = numbered(here + "encoder.layers", layer);
        names.add(from + ".ln_1", to + ".layer_norm1");
        names.add(from + ".ln_2", to + ".layer_norm2");
        names.add(from + ".mlp.c_fc", to + ".mlp.fc1");
        names.add(from + ".mlp.c_proj", to + ".mlp.fc2");
        names.add(from + ".attn.out_proj", to + ".self_attn.out_proj");
        for (const std::string kind : {"weight", "bias"}) {
            auto& parts = names.m_names[from + ".attn.in_proj_" + kind];
            for (const char* name : {"q_proj.", "k_proj.", "v_proj."})
                parts.push_back(
                    {to + ".self_attn." + name + kind, static_cast<int>(parts.size()), 3, false});
        }
    }
    // Layers above: SD 2.x reads the text from the last but one.
    names.ignore("transformer.resblocks");
    if (projection == Projection::Named) // [in, out] in the file
        names.m_names["text_projection"].push_back(
            {.name = "text_projection.weight", .transposed = true});
    else
        names.ignore("text_projection");
    names.ignore("logit_scale");
    names.ignore("attn_mask");
    return names;
}

std::vector<CheckpointTarget> CheckpointNames::translate(std::string_view stored) const {
    if (std::find(m_ignored.begin(), m_ignored.end(), stored) != m_ignored.end()) return {};
    // The longest known beginning; what follows it is called the same on both sides.
    for (size_t end = stored.size(); end != std::string_view::npos && end > 0;
         end = stored.rfind('.', end - 1)) {
        const auto found = m_names.find(stored.substr(0, end));
        if (found == m_names.end()) continue;
        std::vector<CheckpointTarget> targets = found->second;
        for (CheckpointTarget& target : targets) target.name += stored.substr(end);
        return targets;
    }
    return {};
}

void CheckpointNames::addStoredNames(
    std::map<std::string, std::string, std::less<>>& modules) const {
    std::map<std::string, std::string, std::less<>> storedOf; // name here to that in the file
    for (const auto& [stored, targets] : m_names)
        for (const CheckpointTarget& target : targets)
            if (target.parts == 1) storedOf[target.name] = stored;
    std::map<std::string, std::string, std::less<>> found;
    for (const auto& [flat, module] : modules)
        for (size_t end = module.size(); end != std::string::npos && end > 0;
             end = module.rfind('.', end - 1)) {
            const auto stored = storedOf.find(std::string_view(module).substr(0, end));
            if (stored == storedOf.end()) continue;
            std::string name = stored->second + module.substr(end);
            std::replace(name.begin(), name.end(), '.', '_');
            found.emplace(std::move(name), module);
            break;
        }
    modules.merge(found);
}

bool CheckpointNames::isIgnored(std::string_view stored) const {
    return std::any_of(m_ignored.begin(), m_ignored.end(), [stored](const std::string& name) {
        return stored.starts_with(name) &&
               (stored.size() == name.size() || stored[name.size()] == '.');
    });
}

} // namespace kinora::pipelines
