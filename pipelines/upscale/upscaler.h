#pragma once
// Enlarges pictures of any size, tile by tile, in the memory of one tile.
//
//     Upscaler upscaler(UpscalerFile(path), device, DType::BF16);
//     HostPicture large = upscaler(small, 256, progress);
//
// Tiles overlap and fade into each other, so that no seam is seen.

#include "pipelines/upscale/upscaler_network.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace kinora::pipelines {

struct HostPicture {
    int64_t width = 0, height = 0;
    std::vector<float> pixels; // [height,width,3] in 0..1
};

class Upscaler {
  public:
    // Smallest and largest side of a tile, in pixels of the small picture, and what is usual.
    static constexpr int64_t kLeastTile = 64, kMostTile = 2048, kUsualTile = 256;

    // Throws Error{BadFile} where a tensor is missing or has another shape; Cancelled.
    Upscaler(const UpscalerFile& file, kernels::Device& device, kernels::DType compute);

    const UpscalerConfig& config() const { return m_config; }

    // tile: kLeastTile to kMostTile. done hears how many tiles of how many are finished. The result
    // is clamped to 0..1. On the meta back end one tile is run for its cost, and the result is
    // empty. Throws Cancelled, Error{OutOfMemory}.
    HostPicture operator()(const HostPicture& picture, int64_t tile,
                           const std::function<void(int64_t done, int64_t of)>& done = {}) const;

    // How many tiles of that side the picture is computed in.
    int64_t tiles(const HostPicture& picture, int64_t tile) const;

    // Tensors of the file that no layer asked for.
    const std::vector<std::string>& unusedTensors() const { return m_unused; }

  private:
    UpscalerConfig m_config;
    kernels::Device& m_device;
    std::unique_ptr<UpscalerNetwork> m_network;
    std::vector<std::string> m_unused;
};

} // namespace kinora::pipelines
