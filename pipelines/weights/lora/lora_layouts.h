#pragma once
// How the tensors of a LoRA and its kin are called, in every layout that people share: which
// component of a model, which of its modules, and which part of what is added there.
//
//     parseLoraName("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight")
//     parseLoraName("unet.mid_block.attentions.0.proj_in.lora_A.weight")
//         -> {"unet", "mid_block_attentions_0_proj_in", LoraPart::Down}
//
// A new layout is a row in one of the two tables of lora_layouts.cpp.

#include <optional>
#include <string>
#include <string_view>

namespace kinora::pipelines {

enum class LoraPart {
    Down,
    Up,
    Middle,    // of a convolution in Tucker form: [rank, rank, height, width]
    Alpha,     // a scalar; the product is scaled by alpha / rank
    DoraScale, // as LyCORIS has it: [out, 1, ...], or [1, in, ...]
    Magnitude, // as PEFT has it: one for each row
    HadaW1A,
    HadaW1B,
    HadaW2A,
    HadaW2B,
    HadaT1,
    HadaT2,
    KronW1,
    KronW1A,
    KronW1B,
    KronW2,
    KronW2A,
    KronW2B,
    KronT2,
    Difference,
    BiasDifference,
    GloraA1, // LyCORIS: W x A1 x A2 + B1 x B2 is added
    GloraA2,
    GloraB1,
    GloraB2,
    OftBlocks, // LyCORIS: [blocks, side, side]; the rows of the weight are turned in blocks
    OftRescale,
    Ia3Change,  // LyCORIS: the weight is multiplied by 1 + this
    Ia3OnInput, // LyCORIS: whether that is along the input
    Ia3Factor,  // PEFT: the weight is multiplied by this, [out, 1] or [1, in]
};

struct LoraName {
    std::string component; // "unet", "text_encoder", "text_encoder_2"
    std::string module;    // as flattenedName() writes it
    LoraPart part = LoraPart::Down;
};

// nullopt where no layout has such a name.
std::optional<LoraName> parseLoraName(std::string_view stored);

// Dots as underscores: in half of the layouts they cannot be told apart.
std::string flattenedName(std::string_view name);

} // namespace kinora::pipelines
