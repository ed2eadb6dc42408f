#pragma once
// ResnetBlock2D: two convolutions with group norm around a residual connection; the time embedding,
// where there is one, comes in between.
// Source: He et al. 2016, Ho et al. 2020; names and numbers as diffusers' ResnetBlock2D.

#include "pipelines/blocks/conv_2d.h"
#include "pipelines/blocks/group_norm.h"

#include <optional>

namespace kinora::pipelines {

// What the time embedding does: it is added between the convolutions, or it scales and shifts what
// the second norm gives (Dhariwal and Nichol 2021, "adaptive group normalization").
enum class TimeUse { Added, ScaleAndShift };

struct ResnetOptions {
    int64_t timeWidth = 0; // of the time embedding; 0: none is taken
    int64_t groups = 32;
    float epsilon = 1e-6f;
    kernels::Activation activation = kernels::Activation::Silu;
    float outputScale = 1; // the result is divided by it
    TimeUse timeUse = TimeUse::Added;
};

class ResnetBlock2D {
  public:
    ResnetBlock2D(const Weights& weights, int64_t in, int64_t out, const ResnetOptions& options);

    // x [N,H,W,in] -> [N,H,W,out]. time [N or 1, timeWidth]: the time embedding after the
    // activation, in the compute dtype. x is taken by value: moved in, it is freed as soon as it
    // is not needed any more.
    kernels::Tensor operator()(kernels::Tensor x, const kernels::Tensor& time = {}) const;

  private:
    kernels::Tensor firstConvolution(const kernels::Tensor& x, const kernels::Tensor& time) const;
    kernels::Tensor adaptedNorm(const kernels::Tensor& x, const kernels::Tensor& time) const;

    GroupNorm m_norm1;
    Conv2d m_conv1;
    std::optional<LinearWeights> m_timeProjection;
    GroupNorm m_norm2;
    Conv2d m_conv2;
    std::optional<Conv2d> m_shortcut; // where the channel counts differ
    kernels::Activation m_activation;
    TimeUse m_timeUse;
    kernels::Tensor m_outputScale; // [1,1,1,1], undefined where it is one
};

} // namespace kinora::pipelines
