#pragma once
// What the networks that enlarge pictures have in common.

#include "pipelines/upscale/upscaler_file.h"
#include "pipelines/weights/weights.h"

#include <memory>

namespace kinora::pipelines {

class UpscalerNetwork {
  public:
    virtual ~UpscalerNetwork() = default;
    // x [1,H,W,3] f32 in 0..1, H and W multiples of the config's unshuffle -> [1,H*scale,W*scale,3]
    // f32, about 0..1.
    virtual kernels::Tensor operator()(const kernels::Tensor& x) const = 0;
};

// weights: under BasicSR's names.
std::unique_ptr<UpscalerNetwork> makeRrdbNet(const UpscalerConfig& config, const Weights& weights);
std::unique_ptr<UpscalerNetwork> makeSrvggNet(const UpscalerConfig& config, const Weights& weights);

} // namespace kinora::pipelines
