#pragma once
// A file of CLIP's picture encoder: that of a folder with its config beside it, or a file alone,
// whose shapes tell.

#include "pipelines/vision/clip_vision_model.h"
#include "pipelines/weights/ip_adapter_file.h"

#include <filesystem>
#include <memory>

namespace kinora::pipelines {

class ClipVisionFile {
  public:
    // Reads headers only. Throws Error{NotFound, BadFile, Unsupported, Io}.
    explicit ClipVisionFile(const std::filesystem::path& path);

    const ClipVisionConfig& config() const { return m_config; }
    const WeightSource& weights() const { return *m_weights; }
    // Whether what it gives is as wide as the adapter wants it.
    bool fits(const IpAdapterFile& adapter) const;

  private:
    std::unique_ptr<WeightSource> m_weights;
    ClipVisionConfig m_config;
};

} // namespace kinora::pipelines
