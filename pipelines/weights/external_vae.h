#pragma once
// A VAE from another place than the model: a diffusers folder's file with its config beside it, a
// file of a VAE alone in the CompVis layout, a whole checkpoint with one in it, or a small one
// (TAESD) in files of its own.
//
//     model.replaceVae(ExternalVae(path));

#include "pipelines/weights/tiny_autoencoder_file.h"
#include "pipelines/weights/weight_source.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kinora::pipelines {

class ExternalVae {
  public:
    // Reads headers only. Throws Error{NotFound, BadFile, Io}; Error{Unsupported} where the file
    // has no VAE that is known here.
    explicit ExternalVae(const std::filesystem::path& file);
    // The same of one that is open.
    ExternalVae(const std::filesystem::path& file, const WeightSource& opened);

    const std::filesystem::path& path() const { return m_path; }
    // The file, and what belongs to it.
    std::vector<std::filesystem::path> files() const {
        return m_tiny ? m_tiny->files() : std::vector{m_path};
    }
    // It is one part of a checkpoint.
    bool isWholeModel() const { return !m_prefix.empty(); }
    // It is a small one, of TAESD's kind.
    bool isTiny() const;
    // Channels of the latents that it decodes; 0 where the file does not tell.
    int64_t latentChannels() const { return m_latentChannels; }
    // Of a diffusers folder or a small one; null: it is built as the model's own.
    const nlohmann::json* config() const { return m_config.get(); }
    // config: its own or the model's. Names as the layers ask for them.
    std::unique_ptr<WeightSource> weights(const nlohmann::json& config) const;

  private:
    std::filesystem::path m_path;
    std::shared_ptr<const nlohmann::json> m_config;
    std::optional<TinyAutoencoderFile> m_tiny;
    int64_t m_latentChannels = 0;
    bool m_diffusersNames = false;
    std::string m_prefix; // of its tensors' names in the file
};

} // namespace kinora::pipelines
