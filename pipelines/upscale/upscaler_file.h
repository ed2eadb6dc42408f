#pragma once
// A file of an ESRGAN-type upscaler: what kind of network it holds, told by its tensors' names and
// shapes, and its tensors under the names that the layers ask for.
//
//     const UpscalerFile file("models/ESRGAN/4x_foolhardy.pth");
//     file.config().scale;   // 4
//
// Layouts: BasicSR's (Real-ESRGAN), and the older and oldest one of ESRGAN. Source of the networks:
// Wang et al. 2018 (ESRGAN), Wang et al. 2021 (Real-ESRGAN).

#include "pipelines/weights/weight_source.h"

#include <filesystem>
#include <memory>
#include <string>

namespace kinora::pipelines {

struct UpscalerKind; // of a network: upscaler_network.h

struct UpscalerConfig {
    const UpscalerKind* kind = nullptr; // of a file: never null
    int64_t features = 64;
    int64_t blocks = 23;
    int64_t growth = 32;    // ESRGAN: channels that each dense convolution adds
    int64_t scale = 4;      // of the whole network
    int64_t unshuffle = 1;  // ESRGAN: the picture is made so much smaller before it goes in
    int64_t upsamplers = 2; // ESRGAN: doublings at its end
};

// "ESRGAN", "Real-ESRGAN compact".
const char* upscalerKindName(const UpscalerKind& kind);

class UpscalerFile {
  public:
    // Reads headers only. Throws Error{NotFound, BadFile, Io}; Error{Unsupported} for what is no
    // upscaler that is known here.
    explicit UpscalerFile(const std::filesystem::path& path);
    // The same of one that is open.
    explicit UpscalerFile(std::shared_ptr<const WeightSource> opened);

    const UpscalerConfig& config() const { return m_config; }
    // Names as BasicSR has them: "body.0.rdb1.conv1.weight".
    const WeightSource& weights() const { return *m_weights; }
    // The file's name, for messages.
    const std::string& label() const { return m_weights->label(); }

  private:
    std::unique_ptr<WeightSource> m_weights;
    UpscalerConfig m_config;
};

} // namespace kinora::pipelines
