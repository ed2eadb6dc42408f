#pragma once
// A model in a diffusers folder: model_index.json, one subfolder with a config for each component,
// and kinora.json (optional) for what the configs have no place for. Reads headers only.

#include "pipelines/weights/weight_source.h"

#include <nlohmann/json.hpp>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

enum class AlphaMeaning { None, OverWhite }; // OverWhite: colour was composited on white

// kinora.json; every field has the value for "not said".
struct ModelExtras {
    std::string name;
    nlohmann::json defaults = nlohmann::json::object(); // parameter name to value
    AlphaMeaning alpha = AlphaMeaning::None;
    std::vector<std::array<float, 3>> previewFactors; // [latent channels] to RGB in -1..1
    std::array<float, 3> previewBias{};
};

class ModelFolder {
  public:
    // Throws Error{NotFound, BadFile, Unsupported}: an unknown pipeline class is named.
    static ModelFolder open(const std::filesystem::path& folder);

    const std::filesystem::path& path() const { return m_path; }
    const std::string& pipelineClass() const {
        return m_pipelineClass;
    } // "StableDiffusionPipeline"
    const ModelExtras& extras() const { return m_extras; }
    bool has(std::string_view component) const;

    // <component>/config.json, or scheduler_config.json for the scheduler.
    const nlohmann::json& config(std::string_view component) const;
    // How errors name that file: "<model>/unet/config.json".
    std::string configLabel(std::string_view component) const;
    // The class that model_index.json names: "UNet2DConditionModel".
    std::string className(std::string_view component) const;
    // model.safetensors, diffusion_pytorch_model.safetensors, their fp16 variants, or an index of
    // shards. Throws Error{NotFound, BadFile}.
    std::unique_ptr<WeightSource> weights(std::string_view component) const;
    std::filesystem::path componentPath(std::string_view component) const;
    // Every file that decides a result, relative, sorted: what the model's hash covers.
    std::vector<std::filesystem::path> files() const;

  private:
    std::filesystem::path m_path;
    std::string m_pipelineClass;
    nlohmann::json m_index;
    nlohmann::json m_configs;
    ModelExtras m_extras;
};

} // namespace kinora::pipelines
