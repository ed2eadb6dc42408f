#pragma once
// A file that steers a denoiser by a picture: a ControlNet or a T2I-Adapter, in the names of
// diffusers or in those of its first authors, alone or in a diffusers folder with its config beside
// it. Told by its tensors. Reads headers only.
//
//     const ControlFile file(path);
//     const json config = file.config(model.config("unet"));
//     ControlNet net(ControlNetConfig::fromJson(config, file.label()), {*file.weights(config),
//     ...});

#include "pipelines/weights/weight_source.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace kinora::pipelines {

enum class ControlKind { ControlNet, Adapter };

const char* controlKindName(ControlKind kind); // "ControlNet", "T2I-Adapter"

class ControlFile {
  public:
    // Throws Error{NotFound, BadFile, Io}; Error{Unsupported} where the file is none of these: it
    // says what it is, where that can be told.
    explicit ControlFile(const std::filesystem::path& file);
    // The same of one that is open.
    ControlFile(const std::filesystem::path& file, const WeightSource& opened);

    const std::filesystem::path& path() const { return m_path; }
    const std::string& label() const { return m_label; } // how errors name it
    ControlKind kind() const { return m_kind; }
    // "Stable Diffusion 1.x"; empty where it cannot be told.
    const std::string& family() const { return m_family; }

    // In the words of diffusers' ControlNetModel or T2IAdapter: its own where it has one, else as
    // the denoiser's with what the tensors say. unet: the denoiser's. Throws Error{Unsupported}
    // where it was made for another kind of model, which is named.
    nlohmann::json config(const nlohmann::json& unet) const;
    // config: as above. Names as the layers ask for them.
    std::unique_ptr<WeightSource> weights(const nlohmann::json& config) const;

  private:
    void recognise(const WeightSource& file);
    void checkFits(const nlohmann::json& unet) const;

    std::filesystem::path m_path;
    std::string m_label;
    ControlKind m_kind = ControlKind::ControlNet;
    std::string m_family;
    int64_t m_textWidth = 0; // that it attends to; 0: it does not
    std::shared_ptr<const nlohmann::json> m_config;
    bool m_diffusersNames = false;
    std::string m_prefix; // of its tensors' names in the file
};

} // namespace kinora::pipelines
