#include "pipelines/weights/lora/lora_layouts.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

struct Beginning {
    std::string_view text;
    std::string_view component;
};
// The first that fits; the empty one is a file of a denoiser alone.
constexpr Beginning kBeginnings[] = {
    {"lora_unet_", "unet"}, // kohya, LyCORIS
    {"lora_te_", "text_encoder"},
    {"lora_te1_", "text_encoder"},
    {"lora_te2_", "text_encoder_2"},
    {"unet.", "unet"}, // diffusers
    {"text_encoder.", "text_encoder"},
    {"text_encoder_2.", "text_encoder_2"},
    {"base_model.model.unet.", "unet"}, // PEFT
    {"base_model.model.text_model.", "text_encoder"},
    {"base_model.model.", "unet"},
    {"diffusion_model.", "unet"}, // ComfyUI
    {"text_encoders.clip_l.transformer.", "text_encoder"},
    {"text_encoders.clip_h.transformer.", "text_encoder"},
    {"text_encoders.clip_g.transformer.", "text_encoder_2"},
    {"clip_l.", "text_encoder"}, // OneTrainer's OMI
    {"clip_g.", "text_encoder_2"},
    {"text_model.", "text_encoder"},
    {"", "unet"},
};

struct Ending {
    std::string_view text;
    LoraPart part;
};
// Longer ones before those that they end with.
constexpr Ending kEndings[] = {
    {".lora_down.weight", LoraPart::Down}, // kohya
    {".lora_up.weight", LoraPart::Up},
    {".lora_mid.weight", LoraPart::Middle},
    {".lora_A.weight", LoraPart::Down}, // PEFT
    {".lora_B.weight", LoraPart::Up},
    {".lora_A.default.weight", LoraPart::Down},
    {".lora_B.default.weight", LoraPart::Up},
    {".lora_linear_layer.down.weight", LoraPart::Down}, // diffusers before it used PEFT
    {".lora_linear_layer.up.weight", LoraPart::Up},
    {".lora.down.weight", LoraPart::Down},
    {".lora.up.weight", LoraPart::Up},
    {"_lora.down.weight", LoraPart::Down},
    {"_lora.up.weight", LoraPart::Up},
    {".lora_magnitude_vector.weight", LoraPart::Magnitude},
    {".lora_magnitude_vector", LoraPart::Magnitude},
    {".dora_scale", LoraPart::DoraScale},
    {".alpha", LoraPart::Alpha},
    {".hada_w1_a", LoraPart::HadaW1A}, // LyCORIS
    {".hada_w1_b", LoraPart::HadaW1B},
    {".hada_w2_a", LoraPart::HadaW2A},
    {".hada_w2_b", LoraPart::HadaW2B},
    {".hada_t1", LoraPart::HadaT1},
    {".hada_t2", LoraPart::HadaT2},
    {".lokr_w1", LoraPart::KronW1},
    {".lokr_w1_a", LoraPart::KronW1A},
    {".lokr_w1_b", LoraPart::KronW1B},
    {".lokr_w2", LoraPart::KronW2},
    {".lokr_w2_a", LoraPart::KronW2A},
    {".lokr_w2_b", LoraPart::KronW2B},
    {".lokr_t2", LoraPart::KronT2},
    {".oft_blocks", LoraPart::OftBlocks},
    {".rescale", LoraPart::OftRescale},
    {".diff", LoraPart::Difference},
    {".diff_b", LoraPart::BiasDifference},
    {".w_norm", LoraPart::Difference},
    {".b_norm", LoraPart::BiasDifference},
    {".ia3_l", LoraPart::Ia3Factor},
    {".on_input", LoraPart::Ia3OnInput},
    {".a1.weight", LoraPart::GloraA1},
    {".a2.weight", LoraPart::GloraA2},
    {".b1.weight", LoraPart::GloraB1},
    {".b2.weight", LoraPart::GloraB2},
    {".bm.weight", LoraPart::Middle},
    {".weight", LoraPart::Ia3Change},
};

// diffusers once kept what it adds to a projection in the attention's processor, and called the
// text encoder's projections as the denoiser's.
struct Renaming {
    std::string_view ending, replacement;
};
constexpr Renaming kProcessor[] = {
    {"_processor_to_q", "_to_q"},
    {"_processor_to_k", "_to_k"},
    {"_processor_to_v", "_to_v"},
    {"_processor_to_out", "_to_out_0"},
    {"_self_attn_to_q", "_self_attn_q_proj"},
    {"_self_attn_to_k", "_self_attn_k_proj"},
    {"_self_attn_to_v", "_self_attn_v_proj"},
    {"_self_attn_to_out", "_self_attn_out_proj"},
};

std::string renamed(std::string module) {
    for (const Renaming& row : kProcessor)
        if (module.ends_with(row.ending))
            return module.substr(0, module.size() - row.ending.size()) +
                   std::string(row.replacement);
    return module;
}

} // namespace

std::string flattenedName(std::string_view name) {
    std::string flat(name);
    std::replace(flat.begin(), flat.end(), '.', '_');
    return flat;
}

std::optional<LoraName> parseLoraName(std::string_view stored) {
    for (const Ending& ending : kEndings) {
        if (!stored.ends_with(ending.text)) continue;
        std::string_view module = stored.substr(0, stored.size() - ending.text.size());
        for (const Beginning& beginning : kBeginnings) {
            if (!module.starts_with(beginning.text)) continue;
            // The beginning of a text encoder's own names belongs to the module.
            if (!beginning.text.ends_with("text_model."))
                module.remove_prefix(beginning.text.size());
            else
                module.remove_prefix(beginning.text.size() -
                                     std::string_view("text_model.").size());
            return LoraName{std::string(beginning.component), renamed(flattenedName(module)),
                            ending.part};
        }
    }
    return std::nullopt;
}

} // namespace kinora::pipelines
