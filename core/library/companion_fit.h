#pragma once
// Which files beside the models go with which model, by what their headers tell: for lists that
// grey out what would be refused. The last word is the engine's, which sees every tensor.

#include "core/library/companion_files.h"
#include "core/library/companion_info.h"
#include "core/library/model_library.h"

#include <string>

namespace kinora::core {

// What the file is used as; all kinds of weight changes are LoRAs here.
CompanionKind companionKindOf(const CompanionInfo& info);

// Why the file cannot be used with the model: "for SDXL; this model is Stable Diffusion 1.x".
// Empty where it may.
std::string misfit(const CompanionInfo& file, const ModelEntry& model);

// The same for a model that would finish another one's pictures: their latents have to be alike.
std::string refinerMisfit(const ModelEntry& refiner, const ModelEntry& model);

} // namespace kinora::core
