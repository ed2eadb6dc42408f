#pragma once
// One layer of CLIP's transformers, of text and of pictures: self-attention and a network of two
// layers, each after a layer norm and around a residual connection.
// Source: Radford et al. 2021; names and numbers as transformers' CLIPEncoderLayer.

#include "pipelines/blocks/attention.h"

namespace kinora::pipelines {

struct ClipLayerOptions {
    int64_t width, intermediate, heads;
    float epsilon;
    kernels::Activation activation;
    kernels::Causal causal; // Yes: of text
};

class ClipEncoderLayer {
  public:
    ClipEncoderLayer(const Weights& weights, const ClipLayerOptions& options);

    // x [N,L,width] -> the same shape.
    kernels::Tensor operator()(kernels::Tensor x) const;

  private:
    NormWeights m_norm1, m_norm2;
    Attention m_attention;
    LinearWeights m_expand, m_contract;
    ClipLayerOptions m_options;
};

} // namespace kinora::pipelines
