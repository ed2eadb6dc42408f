#include "core/library/companion_fit.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace kinora::core {
namespace {

constexpr std::pair<std::string_view, CompanionKind> kKinds[] = {
    {"VAE", CompanionKind::Vae},
    {"TAESD", CompanionKind::Vae},
    {"embedding", CompanionKind::Embedding},
    {"ControlNet", CompanionKind::ControlNet},
    {"T2I-Adapter", CompanionKind::Adapter},
    {"upscaler", CompanionKind::Upscaler},
    {"IP-Adapter", CompanionKind::IpAdapter}};

// Families that tensors tell. What a file's metadata calls its architecture is not compared: every
// trainer writes it in its own way.
struct Family {
    std::string_view name;
    int latents; // families of one number understand each other's latents; 0: not known
};
constexpr Family kFamilies[] = {{"Stable Diffusion 1.x", 1},
                                {"Stable Diffusion 2.x", 1},
                                {"SDXL", 2},
                                {"the SDXL refiner", 2},
                                {"Stable Diffusion 3", 3},
                                {"Flux", 4},
                                {"Wan", 5}};

const Family* familyNamed(std::string_view name) {
    const auto* const found = std::ranges::find(kFamilies, name, &Family::name);
    return found == std::end(kFamilies) ? nullptr : found;
}

} // namespace

CompanionKind companionKindOf(const CompanionInfo& info) {
    for (const auto& [name, kind] : kKinds)
        if (info.kind == name) return kind;
    return CompanionKind::Lora;
}

std::string misfit(const CompanionInfo& file, const ModelEntry& model) {
    const CompanionKind kind = companionKindOf(file);
    if (kind == CompanionKind::Upscaler || kind == CompanionKind::Vae) return {};
    // A T2I-Adapter does not attend to text: its family is that of most models like it.
    const bool isOther =
        familyNamed(model.family) || (model.family == kOwnFamily && kind != CompanionKind::Adapter);
    if (file.family == model.family || !familyNamed(file.family) || !isOther) return {};
    return "for " + file.family + "; this model is " + model.family;
}

std::string refinerMisfit(const ModelEntry& refiner, const ModelEntry& model) {
    if (!refiner.problem.empty()) return "cannot be used";
    const Family *one = familyNamed(refiner.family), *other = familyNamed(model.family);
    if (one == nullptr || other == nullptr || one->latents == other->latents) return {};
    return refiner.family + "; this model is " + model.family;
}

} // namespace kinora::core
