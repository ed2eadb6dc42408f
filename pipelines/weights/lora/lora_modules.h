#pragma once
// What a file of changes holds for each module of a model, from its names and shapes alone: enough
// to say what the file is.
//
//     const LoraModules found = loraModulesIn(*openWeightFile(path, label));
//     kindOf(found.modules); // "LoHa"

#include "pipelines/weights/lora/lora_layouts.h"
#include "pipelines/weights/weight_source.h"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kinora::pipelines {

// What the file has for one module of the model.
struct LoraModule {
    std::string component; // "unet", "text_encoder" ...
    std::string name;      // flattened: "mid_block_attentions_0_proj_in"
    std::map<LoraPart, TensorInfo> parts;
    std::optional<float> alpha;  // none: the product is not scaled
    bool rankStabilised = false; // scaled by alpha / sqrt(rank)
    bool onInput = false;        // IA3
    std::string firstTensor;     // for messages: the name of one of its tensors

    bool has(LoraPart part) const { return parts.contains(part); }
    const kernels::Shape& shape(LoraPart part) const { return parts.at(part).shape; }
    // What the product of two matrices of this rank is multiplied with.
    float scale(int64_t rank) const;
};

struct LoraModules {
    std::vector<LoraModule> modules;  // sorted by component and name; one or more
    std::vector<std::string> unknown; // tensors of no known part, sorted
};

// Reads no numbers: alpha and onInput are as nobody said them. Throws Error{BadFile};
// Error{Unsupported} where none of the tensors belongs to a known kind: it says what the file is
// where that can be told.
LoraModules loraModulesIn(const WeightSource& file);

// "LoRA", "LoHa" ...: of the first module.
std::string kindOf(std::span<const LoraModule> modules);

} // namespace kinora::pipelines
