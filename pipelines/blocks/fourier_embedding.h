#pragma once
// FourierEmbedding: a time as the sines and cosines of learnt frequencies, the other of the two
// ways a denoiser may be told one (kernels/ops/embedding.h has the usual one).
// Source: Tancik et al. 2020; numbers as diffusers' GaussianFourierProjection.

#include "pipelines/weights/weights.h"

#include <span>
#include <vector>

namespace kinora::pipelines {

class FourierEmbedding {
  public:
    // width: of the result, even. flipSinToCos: cosines first.
    FourierEmbedding(const Weights& weights, int64_t width, bool flipSinToCos);

    // -> [times.size(), width] f32.
    kernels::Tensor operator()(std::span<const float> times) const;

  private:
    kernels::Device& m_device;
    int64_t m_width;
    std::vector<float> m_frequencies; // none where the device has no numbers
    bool m_flipSinToCos;
};

} // namespace kinora::pipelines
