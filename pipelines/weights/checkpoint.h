#pragma once
// A model in one file, in the CompVis or SGM layout, as most are shared.
//
// What such a file is, is told by a few of its tensors: resources/checkpoints has a folder for each
// kind, a diffusers folder without weights (configs, scheduler, tokenizer), and in it
// checkpoint.json:
//
// {"name": "Stable Diffusion 1.x",
//  "recognise": {"model.diffusion_model.input_blocks.0.0.weight": [320, 4, 3, 3], ...},
//  "components": {"unet": {"prefix": "model.diffusion_model.", "names": "unet"}, ...}}
//
// recognise: all of these tensors are there, in these shapes. names: which table of
// checkpoint_names.h. A new kind is a new folder.

#include "pipelines/weights/weight_source.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kinora::pipelines {

class Checkpoint {
  public:
    // kinds: the folder with one folder for each kind. Reads headers only. Throws Error{NotFound,
    // BadFile}; Error{Unsupported} where the file is of no known kind: it says what it is, where
    // that can be told (a LoRA, a VAE ...).
    Checkpoint(const std::filesystem::path& file, const std::filesystem::path& kinds);

    // "Stable Diffusion 1.x".
    const std::string& kindName() const { return m_kindName; }
    // Configs and tokenizer.
    const std::filesystem::path& kindFolder() const { return m_kindFolder; }
    // "epsilon", "v_prediction", or empty where the file does not say: its metadata
    // (modelspec.prediction_type) or the marker tensor "v_pred" that some trainers write.
    std::string predictionType() const;
    // Trained down to pure noise: the marker tensor "ztsnr" that some trainers write.
    bool hasZeroTerminalSnr() const;
    // The kind has models of both prediction types, and this file does not say which it is
    // ("predictionVaries" in checkpoint.json): the kind's config is a guess.
    bool predictionIsGuessed() const { return m_predictionVaries && predictionType().empty(); }
    // config: the component's, from the kind's folder. Throws Error{NotFound, BadFile}.
    std::unique_ptr<WeightSource> weights(std::string_view component,
                                          const nlohmann::json& config) const;

  private:
    std::shared_ptr<const WeightSource> m_file;
    std::filesystem::path m_kindFolder;
    std::string m_kindName;
    struct Component {
        std::string prefix; // of its tensors' names
        std::string names;  // which table
    };
    std::map<std::string, Component, std::less<>> m_components;
    bool m_predictionVaries = false;
};

} // namespace kinora::pipelines
