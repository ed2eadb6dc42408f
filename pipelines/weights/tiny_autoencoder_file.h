#pragma once
// A small autoencoder (TAESD and its kin) in files of its own: a decoder and, beside it, an encoder
// ("taesd_decoder.pth", "taesd_encoder.pth"), both in one file with prefixes, or under diffusers'
// names. The tensors tell its config.

#include "pipelines/weights/weight_source.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kinora::pipelines {

class TinyAutoencoderFile {
  public:
    // Reads headers only. nullopt where the file is something else. Throws Error{NotFound, BadFile,
    // Io}; Error{Unsupported} where it is the encoder alone, or of a layout that is not known.
    static std::optional<TinyAutoencoderFile> find(const std::filesystem::path& file);
    // The same of one that is open.
    static std::optional<TinyAutoencoderFile> find(const std::filesystem::path& file,
                                                   const WeightSource& opened);

    // As diffusers' AutoencoderTiny.
    const nlohmann::json& config() const { return *m_config; }
    // The file, and that of the encoder where it is another one.
    const std::vector<std::filesystem::path>& files() const { return m_files; }
    // Names as the layers ask for them: "decoder.layers.3.conv.0.weight". Without an encoder there
    // is none: a run from a picture then says that a tensor is missing.
    std::unique_ptr<WeightSource> weights() const;

  private:
    struct Half { // where its layers are
        size_t file = 0;
        std::string prefix; // before the number of a layer
        int64_t offset = 0; // of that number to diffusers'
    };
    std::vector<std::filesystem::path> m_files;
    std::optional<Half> m_decoder, m_encoder;
    std::shared_ptr<const nlohmann::json> m_config;
};

} // namespace kinora::pipelines
