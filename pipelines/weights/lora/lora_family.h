#pragma once
// Which kind of model a LoRA was made for, told by its modules, and in words.

#include "pipelines/weights/lora/lora_file.h"

#include <span>
#include <string>
#include <vector>

namespace kinora::pipelines {

// The Stable Diffusion family whose denoiser attends to text of that width; empty where it is none
// that is known.
std::string familyOfTextWidth(int64_t width);

// "Stable Diffusion 1.x", "SDXL", "Flux" ...; empty where it cannot be told.
std::string familyOf(std::span<const LoraModule> modules);
inline std::string familyOf(const LoraFile& file) {
    return familyOf(file.modules());
}

// Throws Error{Unsupported}: none of the names is that of a LoRA or its kin. Says what it is where
// that can be told.
[[noreturn]] void throwNotALora(const std::string& label, const std::vector<std::string>& names);

} // namespace kinora::pipelines
