#pragma once
// A model: a diffusers folder (model_index.json, one subfolder with a config for each component,
// and kinora.json, optional, for what the configs have no place for), or one checkpoint file
// (checkpoint.h), whose configs are those of its kind. Reads headers only.

#include "pipelines/weights/checkpoint.h"
#include "pipelines/weights/control_file.h"
#include "pipelines/weights/external_vae.h"
#include "pipelines/weights/ip_adapter_file.h"
#include "pipelines/weights/lora/lora_weights.h"
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

// How strongly a LoRA counts; 1 as it was trained, 0 not at all.
struct LoraStrength {
    float denoiser = 1;
    float text = 1; // of each text encoder
    // What these are multiplied with in each block of the denoiser, and in the text encoders.
    std::optional<LoraBlocks> blocks = {};
};

// How far a LoRA fits a model.
struct LoraFit {
    int64_t modules = 0;              // of the model that it changes
    std::vector<std::string> surplus; // its tensors that have no place in the model, sorted
};

enum class AlphaMeaning { None, OverWhite }; // OverWhite: colour was composited on white

// kinora.json; every field has the value for "not said".
struct ModelExtras {
    std::string name;
    nlohmann::json defaults = nlohmann::json::object(); // parameter name to value
    AlphaMeaning alpha = AlphaMeaning::None;
    std::vector<std::array<float, 3>> previewFactors; // [latent channels] to RGB in -1..1
    std::array<float, 3> previewBias{};
};

struct ModelLayout; // what a kind of folder is made of

class Model {
  public:
    // path: a folder or a file. checkpointKinds: what checkpoint.h calls kinds; without it, files
    // are of no known kind. Throws Error{NotFound, BadFile, Unsupported}: an unknown pipeline class
    // or kind of file is named.
    static Model open(const std::filesystem::path& path,
                      const std::filesystem::path& checkpointKinds = {});

    const std::filesystem::path& path() const { return m_path; }
    // What a person reads: "StableDiffusionPipeline", "Stable Diffusion 1.x".
    const std::string& kind() const {
        return m_checkpoint ? m_checkpoint->kindName() : m_pipelineClass;
    }
    // Its prediction type is the usual one of its kind; the file does not say it.
    bool predictionIsGuessed() const { return m_checkpoint && m_checkpoint->predictionIsGuessed(); }
    const ModelExtras& extras() const { return m_extras; }
    bool has(std::string_view component) const;
    // A switch in model_index.json, "force_zeros_for_empty_prompt". Throws Error{BadFile} where it
    // is neither true nor false.
    bool flag(std::string_view key, bool fallback) const;

    // <component>/config.json, or scheduler_config.json for the scheduler.
    const nlohmann::json& config(std::string_view component) const;
    // How errors name that file: "<model>/unet/config.json".
    std::string configLabel(std::string_view component) const;
    // The class that model_index.json names: "UNet2DConditionModel".
    std::string className(std::string_view component) const;
    // model.safetensors, diffusion_pytorch_model.safetensors, their fp16 variants, an index of
    // shards. Throws Error{NotFound, BadFile}.
    std::unique_ptr<WeightSource> weights(std::string_view component) const;
    // From now on weights() gives them with the LoRA merged in, after those that were added before.
    // Throws Error{Unsupported} where it was made for another kind of model: it says which, where
    // that can be told; Error{BadFile} where a part of it is missing.
    LoraFit add(std::shared_ptr<const LoraFile> lora, const LoraStrength& strength);
    // From now on config("vae") and weights("vae") are that one's.
    void replaceVae(ExternalVae vae);
    // Of the VAE that the denoiser was trained with, whichever decodes: what its latents mean.
    const nlohmann::json& trainedVaeConfig() const {
        return m_trainedVae.is_null() ? config("vae") : m_trainedVae;
    }
    // From now on it is among controls(), after those of before. Throws Error{Unsupported} where it
    // was made for another kind of model.
    void addControl(std::shared_ptr<const ControlFile> control);
    const std::vector<std::shared_ptr<const ControlFile>>& controls() const { return m_controls; }
    // From now on weights("unet") has the adapter's, too, by the number that is the order of these
    // calls. Throws Error{Unsupported} where it was made for another kind of model.
    void add(std::shared_ptr<const IpAdapterFile> adapter);
    const IpAdapterWeights::Files& ipAdapters() const { return m_ipAdapters; }
    // The picture encoder that they look through.
    void setImageEncoder(const std::filesystem::path& file);
    const std::filesystem::path& imageEncoder() const { return m_imageEncoder; }
    // What these were called with, as one line: two models of the same path and the same
    // additions have the same weights.
    const std::string& additions() const { return m_additions; }
    // Where a component without weights has its files: the tokenizer.
    std::filesystem::path componentPath(std::string_view component) const;
    // Every file that decides a result, relative to root(), sorted: what the model's hash covers.
    std::vector<std::filesystem::path> files() const;
    // The folder itself, or the one that the file lies in.
    std::filesystem::path root() const { return m_checkpoint ? m_path.parent_path() : m_path; }

  private:
    static Model openFolder(const std::filesystem::path& folder);
    static Model openFile(const std::filesystem::path& file,
                          const std::filesystem::path& checkpointKinds);
    std::unique_ptr<WeightSource> storedWeights(std::string_view component) const;
    std::unique_ptr<LoraWeights> withLoras(std::unique_ptr<WeightSource> source,
                                           std::string_view component,
                                           std::vector<LoraWeights::Use> uses) const;

    std::filesystem::path m_path;
    std::shared_ptr<const Checkpoint> m_checkpoint; // null for a folder
    const ModelLayout* m_layout = nullptr;          // one of a table's
    std::string m_pipelineClass;
    nlohmann::json m_index;
    nlohmann::json m_configs;
    ModelExtras m_extras;
    struct Lora {
        std::shared_ptr<const LoraFile> file;
        LoraStrength strength;
    };
    std::vector<Lora> m_loras;
    std::optional<ExternalVae> m_vae;
    nlohmann::json m_trainedVae; // where another config took its place
    std::vector<std::shared_ptr<const ControlFile>> m_controls;
    IpAdapterWeights::Files m_ipAdapters;
    std::filesystem::path m_imageEncoder;
    std::string m_additions;
};

} // namespace kinora::pipelines
