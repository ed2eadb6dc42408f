#include "pipelines/weights/lora/lora_family.h"

#include "kernels/base/error.h"
#include "pipelines/weights/file_kind.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/weight_delta.h"

#include <algorithm>
#include <string_view>

namespace kinora::pipelines {
namespace {

struct TextWidth {
    int64_t width;
    std::string_view family;
};
constexpr TextWidth kTextWidths[] = {{768, "Stable Diffusion 1.x"},
                                     {1024, "Stable Diffusion 2.x"},
                                     {2048, "SDXL"},
                                     {1280, "the SDXL refiner"}};

struct Sign {
    std::string_view part; // of a module's name
    std::string_view family;
};
constexpr Sign kOtherFamilies[] = {{"single_transformer_blocks_", "Flux"},
                                   {"double_blocks_", "Flux"},
                                   {"joint_blocks_", "Stable Diffusion 3"},
                                   {"attn_add_k_proj", "Stable Diffusion 3"},
                                   {"cross_attn_k_img", "Wan"}};

} // namespace

std::string familyOfTextWidth(int64_t width) {
    for (const TextWidth& row : kTextWidths)
        if (row.width == width) return std::string(row.family);
    return {};
}

std::string familyOf(std::span<const LoraModule> modules) {
    for (const LoraModule& module : modules)
        for (const Sign& sign : kOtherFamilies)
            if (module.name.find(sign.part) != std::string::npos) return std::string(sign.family);
    for (const LoraModule& module : modules) {
        if (module.component != "unet" || !module.name.ends_with("attn2_to_k")) continue;
        const DeltaKind* const kind = findDeltaKind(module, TargetPart::Weight);
        const auto size = kind ? kind->size(module, TargetPart::Weight) : std::nullopt;
        if (size && size->columns) return familyOfTextWidth(*size->columns);
    }
    const auto hasSecondText = [](const LoraModule& module) {
        return module.component == "text_encoder_2";
    };
    if (std::ranges::any_of(modules, hasSecondText)) return "SDXL";
    return {};
}

void throwNotALora(const std::string& label, const std::vector<std::string>& names) {
    const bool turns = std::ranges::any_of(names, [](const std::string& name) {
        return name.find(".oft_") != std::string::npos; // another OFT than LyCORIS' "oft_blocks"
    });
    const std::string_view known = fileKindOf(names);
    const std::string what = turns           ? "an OFT adapter, a kind that is not known"
                             : known.empty() ? "no LoRA of a known kind"
                                             : std::string(known);
    const std::string first = names.empty()
                                  ? "It holds nothing."
                                  : "Its first tensor is " + briefName(names.front()) + ".";
    throw Error(ErrorCode::Unsupported, label + ": is " + what + ". " + first,
                "LoRA, LoCon, LoHa, LoKr, GLoRA, OFT, DoRA and IA3 can be used.");
}

} // namespace kinora::pipelines
