#pragma once
// What every kind of autoencoder has in common.

#include "kernels/tensor/tensor.h"

#include <cstdint>
#include <vector>

namespace kinora::pipelines {

enum class Encoding {
    Distribution, // moments: means and logarithms of variances, from which latents are drawn
    Exact,        // the latents themselves
};

struct VaeConfig {
    int64_t inChannels = 0, outChannels = 0, latentChannels = 0; // 1 to 1024 each
    int64_t pixelsPerLatent = 1;                                 // of a side
    float scalingFactor = 1; // latents as the denoiser sees them are the encoder's times this
    Encoding encoding = Encoding::Distribution;
    // Before they are scaled each channel's mean is taken away, and its deviation divided by;
    // empty: not.
    std::vector<float> latentMeans = {}, latentDeviations = {};

    int64_t factor() const { return pixelsPerLatent; }
    int64_t encodedChannels() const {
        return encoding == Encoding::Exact ? latentChannels : 2 * latentChannels;
    }
};

class VaeDecoder {
  public:
    virtual ~VaeDecoder() = default;
    // latents [N,h,w,latentChannels] f32 as the scheduler left them (that they are scaled is undone
    // here) -> [N, h*factor, w*factor, outChannels] f32, about -1..1.
    virtual kernels::Tensor operator()(const kernels::Tensor& latents) const = 0;
};

class VaeEncoder {
  public:
    virtual ~VaeEncoder() = default;
    // picture [N, h*factor, w*factor, inChannels] f32 in -1..1 -> [N,h,w,encodedChannels] f32, not
    // scaled (posterior.h).
    virtual kernels::Tensor operator()(const kernels::Tensor& picture) const = 0;
};

} // namespace kinora::pipelines
