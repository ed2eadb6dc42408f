#include "pipelines/weights/file_kind.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

enum class Place { Anywhere, End };

struct Sign {
    std::string_view part; // of a tensor's name
    Place place;
    std::string_view kind;
};
// The first that fits counts: those of parts before those of the wholes that they come from.
constexpr Sign kSigns[] = {
    {"ip_adapter.", Place::Anywhere, "an IP-Adapter"},
    {"hada_w1_a", Place::Anywhere, "a LoHa"},
    {"lokr_w", Place::Anywhere, "a LoKr"},
    {"lora_", Place::Anywhere, "a LoRA"},
    {".lora.", Place::Anywhere, "a LoRA"},
    {"_lora.", Place::Anywhere, "a LoRA"},
    {"control_model.", Place::Anywhere, "a ControlNet"},
    {"controlnet_", Place::Anywhere, "a ControlNet"},
    {"input_hint_block.", Place::Anywhere, "a ControlNet"},
    {"double_blocks.", Place::Anywhere, "a Flux model"},
    {"joint_blocks.", Place::Anywhere, "a Stable Diffusion 3 model"},
    {"model.diffusion_model.", Place::Anywhere, "a whole model"},
    {"first_stage_model.", Place::Anywhere, "a VAE"},
    {"decoder.", Place::Anywhere, "a VAE"},
    {"string_to_param", Place::Anywhere, "a textual inversion"},
    {"emb_params", Place::End, "a textual inversion"},
    {"clip_l", Place::End, "a textual inversion"},
    {"clip_g", Place::End, "a textual inversion"},
    {"rdb1.conv1.weight", Place::End, "an upscaler"}, // ESRGAN, by BasicSR
    {"RDB1.conv1.weight", Place::End, "an upscaler"},
    {"RDB1.conv1.0.weight", Place::End, "an upscaler"}, // by its authors
    {"body.0.weight", Place::End, "an upscaler"},       // compact
    {"body.0.block1.weight", Place::End, "a T2I-Adapter"},
    {"body.0.resnets.0.block1.weight", Place::End, "a T2I-Adapter"},
    {"body.0.body.0.block1.weight", Place::End, "a T2I-Adapter"},
    {"vision_model.", Place::Anywhere, "CLIP's picture encoder"},
    {"text_model.encoder.", Place::Anywhere, "a text encoder"},
    {"input_blocks.", Place::Anywhere, "a denoiser"},
    {"down_blocks.", Place::Anywhere, "a denoiser"},
};

} // namespace

std::string_view fileKindOf(const std::vector<std::string>& names) {
    for (const Sign& sign : kSigns)
        if (std::ranges::any_of(names, [&](const std::string& name) {
                return sign.place == Place::End ? name.ends_with(sign.part)
                                                : name.find(sign.part) != std::string::npos;
            }))
            return sign.kind;
    return {};
}

} // namespace kinora::pipelines
