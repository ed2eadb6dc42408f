#pragma once
// One LoRA of a request, as it is written: "style", "style:0.8", "style:0.8:0.5",
// "/models/style.safetensors:0.8", "style:0.8:lbw=OUTALL". A second weight is the text encoders'
// own; "lbw=" says how strongly each block counts (lora_blocks.h).

#include "pipelines/request/lora_blocks.h"

#include <optional>
#include <string>
#include <string_view>

namespace kinora::pipelines {

inline constexpr double kMostLoraWeight = 100;

struct LoraChoice {
    std::string name; // or file
    double weight = 1;
    double textWeight = 1;
    std::optional<LoraBlocks> blocks = {}; // none: all alike
};

// nullopt where there is no name, or a weight is beyond what makes sense.
std::optional<LoraChoice> parseLoraChoice(std::string_view text);

// As short as says it; what it gives is read back as the same choice.
std::string toText(const LoraChoice& choice);

// The same with another name: where a file was found, or what a picture's metadata calls it.
std::string withLoraName(std::string_view text, std::string_view name);

} // namespace kinora::pipelines
