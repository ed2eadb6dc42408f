#pragma once
// Attention of an autoencoder over all positions of a picture, with one head. Private to this
// folder. Source: Rombach et al. 2022, appendix G; names and numbers as diffusers' Attention of
// UNetMidBlock2D and of the AttnDown- and AttnUp- blocks.

#include "pipelines/blocks/attention.h"
#include "pipelines/blocks/group_norm.h"

namespace kinora::pipelines {

class VaeAttention {
  public:
    VaeAttention(const Weights& weights, int64_t channels, int64_t groups, float epsilon);
    // x [N,H,W,channels] -> the same shape; x is added.
    kernels::Tensor operator()(const kernels::Tensor& x) const;

  private:
    GroupNorm m_norm;
    Attention m_attention;
};

} // namespace kinora::pipelines
