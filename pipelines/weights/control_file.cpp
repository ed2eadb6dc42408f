#include "pipelines/weights/control_file.h"

#include "kernels/base/error.h"
#include "pipelines/weights/checkpoint_names.h"
#include "pipelines/weights/checkpoint_weights.h"
#include "pipelines/weights/control_config.h"
#include "pipelines/weights/file_kind.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/lora_family.h"
#include "pipelines/weights/weight_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string_view>
#include <system_error>

namespace kinora::pipelines {
namespace {

using nlohmann::json;

// How a file's tensors are called, told by one of them.
struct Layout {
    ControlKind kind;
    bool diffusersNames;
    std::string_view prefix;
    std::string_view sign; // behind the prefix
};
constexpr Layout kLayouts[] = {
    {ControlKind::ControlNet, true, "", "controlnet_cond_embedding.conv_in.weight"},
    {ControlKind::ControlNet, false, "control_model.", "input_hint_block.0.weight"},
    {ControlKind::ControlNet, false, "", "input_hint_block.0.weight"},
    {ControlKind::Adapter, true, "adapter.", "body.0.resnets.0.block1.weight"},
    {ControlKind::Adapter, false, "", "body.0.block1.weight"},
    {ControlKind::Adapter, false, "adapter.", "body.0.block1.weight"},
    {ControlKind::Adapter, false, "", "body.0.body.0.block1.weight"}, // a light one
};

// What goes by the same names and is not this, by a part of a tensor's name.
struct OtherKind {
    std::string_view part;
    std::string_view name;
};
constexpr OtherKind kRelatives[] = {
    {"lora_controlnet", "a ControlNet as a LoRA (Control-LoRA)"},
    {"task_embedding", "a ControlNet of several kinds in one (Union)"},
    {"control_add_embedding.", "a ControlNet of several kinds in one (Union)"},
    {"lllite_", "a ControlNet-LLLite"},
    {"controlnet_x_embedder.", "a ControlNet for Flux"},
    {"pos_embed_input.", "a ControlNet for Stable Diffusion 3"},
};
std::string_view relativeIn(const std::vector<std::string>& names) {
    for (const OtherKind& kind : kRelatives)
        if (std::ranges::any_of(names, [&](const std::string& name) {
                return name.find(kind.part) != std::string::npos;
            }))
            return kind.name;
    return {};
}

[[noreturn]] void refuse(const std::string& label, std::string_view what) {
    throw Error(ErrorCode::Unsupported, label + ": is " + std::string(what) + ".",
                "ControlNets and T2I-Adapters for Stable Diffusion 1.x, 2.x and XL can be used.");
}

// The last extent of what attends to the text; 0 where nothing does.
int64_t textWidthIn(const WeightSource& file, const std::vector<std::string>& names,
                    const std::string& prefix) {
    for (const std::string& name : names) {
        if (!name.starts_with(prefix) || !name.ends_with("attn2.to_k.weight")) continue;
        const auto info = file.find(name, {});
        if (info && info->shape.rank() == 2) return info->shape[1];
    }
    return 0;
}

int64_t textWidthOf(const json& unet) {
    const auto width = unet.find("cross_attention_dim");
    return width != unet.end() && width->is_number_integer() ? width->get<int64_t>() : 0;
}

CheckpointNames namesOf(ControlKind kind, bool diffusersNames, const json& config) {
    if (kind == ControlKind::ControlNet) return CheckpointNames::controlNet(config);
    return diffusersNames ? CheckpointNames::same({"conv_in", "body"})
                          : CheckpointNames::adapter(config);
}

// A diffusers folder, whose config lies beside the file.
bool isOfFolder(const std::filesystem::path& file) {
    return file.filename().string().starts_with("diffusion_pytorch_model");
}

std::string labelOf(const std::filesystem::path& file) {
    const std::filesystem::path name = file.filename();
    return isOfFolder(file) ? (file.parent_path().filename() / name).generic_string()
                            : name.string();
}

} // namespace

const char* controlKindName(ControlKind kind) {
    return kind == ControlKind::ControlNet ? "ControlNet" : "T2I-Adapter";
}

ControlFile::ControlFile(const std::filesystem::path& file)
    : ControlFile(file, *openWeightFile(file, labelOf(file))) {}

ControlFile::ControlFile(const std::filesystem::path& file, const WeightSource& opened)
    : m_path(file), m_label(labelOf(file)) {
    recognise(opened);
    const std::filesystem::path folder = file.parent_path(), config = folder / "config.json";
    std::error_code ignored;
    if (isOfFolder(file) && std::filesystem::is_regular_file(config, ignored))
        m_config = std::make_shared<const json>(
            readJsonFile(config, (folder.filename() / "config.json").generic_string()));
}

void ControlFile::recognise(const WeightSource& file) {
    const std::vector<std::string> names = file.names();
    if (const std::string_view relative = relativeIn(names); !relative.empty())
        refuse(m_label, relative);
    const auto* const layout = std::ranges::find_if(kLayouts, [&](const Layout& row) {
        return file.find(std::string(row.prefix) + std::string(row.sign), {}).has_value();
    });
    if (layout == std::end(kLayouts)) {
        const std::string_view other = fileKindOf(names);
        refuse(m_label, other.empty() ? "neither a ControlNet nor a T2I-Adapter" : other);
    }
    m_kind = layout->kind;
    m_diffusersNames = layout->diffusersNames;
    m_prefix = layout->prefix;
    m_textWidth = textWidthIn(file, names, m_prefix);
    m_family = m_kind == ControlKind::ControlNet ? familyOfTextWidth(m_textWidth)
                                                 : familyOfAdapter(file, m_prefix);
}

void ControlFile::checkFits(const json& unet) const {
    const int64_t own = textWidthOf(unet);
    const std::string family = familyOfTextWidth(own);
    const bool other = m_kind == ControlKind::ControlNet
                           ? m_textWidth != 0 && own != 0 && m_textWidth != own
                           : !m_family.empty() && !family.empty() && m_family != family;
    if (!other) return;
    throw Error(ErrorCode::Unsupported,
                m_label + ": is a " + controlKindName(m_kind) +
                    (m_family.empty() ? " for texts of " + std::to_string(m_textWidth) + " values"
                                      : " for " + m_family) +
                    "; this model " +
                    (family.empty() ? "takes " + std::to_string(own) : "is " + family) + ".",
                "Use it with a model of the kind that it was made for.");
}

json ControlFile::config(const json& unet) const {
    checkFits(unet);
    if (m_config && m_diffusersNames) return *m_config;
    if (m_kind == ControlKind::ControlNet) {
        const json shaped = controlNetLike(unet);
        return controlNetConfig(shaped, *weights(shaped));
    }
    return adapterConfig(*openWeightFile(m_path, m_label), m_prefix, m_label);
}

std::unique_ptr<WeightSource> ControlFile::weights(const json& config) const {
    std::unique_ptr<WeightSource> file = openWeightFile(m_path, m_label);
    if (m_diffusersNames && m_prefix.empty()) return file;
    return std::make_unique<CheckpointWeights>(std::move(file), m_prefix,
                                               namesOf(m_kind, m_diffusersNames, config));
}

} // namespace kinora::pipelines
