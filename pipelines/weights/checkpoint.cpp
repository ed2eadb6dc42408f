#include "pipelines/weights/checkpoint.h"

#include "kernels/base/error.h"
#include "pipelines/weights/checkpoint_names.h"
#include "pipelines/weights/checkpoint_weights.h"
#include "pipelines/weights/file_kind.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/weight_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <system_error>
#include <vector>

namespace kinora::pipelines {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kDescription = "checkpoint.json";

std::vector<fs::path> kindFolders(const fs::path& kinds) {
    std::vector<fs::path> folders;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(kinds, error))
        if (fs::is_regular_file(entry.path() / kDescription, error))
            folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    return folders;
}

bool isOfKind(const WeightSource& file, const json& description) {
    for (const auto& [name, dims] : description.at("recognise").items()) {
        const auto info = file.find(name, {});
        const auto wanted = dims.get<std::vector<int64_t>>();
        if (!info || !(info->shape == kernels::Shape(std::span<const int64_t>(wanted))))
            return false;
    }
    return true;
}

[[noreturn]] void throwUnknownKind(const WeightSource& file) {
    const std::vector<std::string> names = file.names();
    constexpr std::string_view unknown = "a kind of checkpoint that is not known";
    const bool hasVae = std::ranges::any_of(names, [](const std::string& name) {
        return name.find("first_stage_model.") != std::string::npos;
    });
    std::string_view what = fileKindOf(names);
    if (what.empty()) what = unknown;
    if (what == "a whole model")
        what = hasVae ? unknown : "a denoiser alone, without text encoder and VAE";
    throw Error(
        ErrorCode::Unsupported, file.label() + ": is " + std::string(what) + ".",
        "Models of Stable Diffusion 1.x, 2.x and XL in one file can be used, and folders in "
        "the diffusers layout.");
}

CheckpointNames namesOf(const std::string& table, const json& config) {
    if (table == "unet") return CheckpointNames::unet(config);
    if (table == "autoencoder") return CheckpointNames::autoencoder(config);
    if (table == "clip") return CheckpointNames::clipText();
    using Projection = CheckpointNames::Projection;
    if (table == "open-clip") return CheckpointNames::openClipText(config, Projection::Ignored);
    if (table == "open-clip-projected")
        return CheckpointNames::openClipText(config, Projection::Named);
    throw Error(ErrorCode::BadFile,
                std::string(kDescription) + ": knows no names \"" + table + "\".");
}

} // namespace

Checkpoint::Checkpoint(const fs::path& file, const fs::path& kinds)
    : m_file(openWeightFile(file, file.filename().string())) {
    for (const fs::path& folder : kindFolders(kinds)) {
        const json description = readJsonFile(folder / kDescription,
                                              (folder.filename() / kDescription).generic_string());
        if (!isOfKind(*m_file, description)) continue;
        m_kindFolder = folder;
        m_kindName = description.at("name").get<std::string>();
        for (const auto& [name, component] : description.at("components").items())
            m_components[name] = {component.at("prefix").get<std::string>(),
                                  component.at("names").get<std::string>()};
        m_predictionVaries = description.value("predictionVaries", false);
        return;
    }
    throwUnknownKind(*m_file);
}

std::string Checkpoint::predictionType() const {
    if (m_file->find("v_pred", {})) return "v_prediction";
    const std::string said = m_file->remark("modelspec.prediction_type");
    if (said == "v" || said == "v_prediction") return "v_prediction";
    return said == "epsilon" || said == "eps" ? "epsilon" : "";
}

bool Checkpoint::hasZeroTerminalSnr() const {
    return m_file->find("ztsnr", {}).has_value();
}

std::unique_ptr<WeightSource> Checkpoint::weights(std::string_view component,
                                                  const json& config) const {
    const auto found = m_components.find(component);
    if (found == m_components.end())
        throw Error(ErrorCode::NotFound,
                    m_file->label() + ": has no " + std::string(component) + ".");
    const auto& [prefix, names] = found->second;
    return std::make_unique<CheckpointWeights>(m_file, prefix, namesOf(names, config));
}

} // namespace kinora::pipelines
