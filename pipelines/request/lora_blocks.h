#pragma once
// How strongly a LoRA counts in each block of a denoiser, as people write it for the web UIs: 12,
// 17, 20 or 26 numbers, or the name of a preset. Source: sd-webui-lora-block-weight.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kinora::pipelines {

// Blocks as the CompVis layout counts them: the text encoders (BASE), IN00 to IN11, M00, OUT00 to
// OUT11. Of a denoiser with fewer the last ones of each kind do not count.
struct LoraBlocks {
    static constexpr size_t kInputs = 12, kOutputs = 12;
    static constexpr size_t kBase = 0, kFirstInput = 1, kMiddle = kFirstInput + kInputs,
                            kFirstOutput = kMiddle + 1, kCount = kFirstOutput + kOutputs;

    std::array<double, kCount> weights{}; // what the LoRA's own weight is multiplied with

    bool operator==(const LoraBlocks&) const = default;
};

// "1,0,0.5,...": 26 of them are all; 17 are those that a LoRA of SD 1.x or 2.x changes, 12 and 20
// those of SDXL's attention and of all of SDXL: the others are 0. Or a preset: ALL, ALL0.5, NONE,
// INALL (and its shallow and deep half INS, IND), OUTALL (OUTS, OUTD), MIDD; the web UI has these
// for the 17 blocks, here they count for the blocks between as well. nullopt where it is neither,
// or a number is beyond what makes sense.
std::optional<LoraBlocks> parseLoraBlocks(std::string_view text);

// The name of the preset, else 26 numbers.
std::string toText(const LoraBlocks& blocks);

} // namespace kinora::pipelines
