#pragma once
// BasicTransformerBlock: self-attention, cross-attention to the prompt, gated feed-forward, each
// after a layer norm and around a residual connection.
// Source: Vaswani et al. 2017, Shazeer 2020; names and numbers as diffusers' BasicTransformerBlock.

#include "pipelines/blocks/attention.h"

namespace kinora::pipelines {

// ToPrompt: "only_cross_attention".
enum class FirstAttention { ToItself, ToPrompt };

class BasicTransformerBlock {
  public:
    // width: of x, a multiple of heads; contextWidth: of the prompt embeddings.
    BasicTransformerBlock(const Weights& weights, int64_t width, int64_t contextWidth,
                          int64_t heads, FirstAttention first = FirstAttention::ToItself,
                          size_t pictureAdapters = 0);

    // x [N,L,width], context [N,Lc,contextWidth] -> [N,L,width]. identityRows: as
    // Attention::toItself, where there is one.
    kernels::Tensor operator()(kernels::Tensor x, const kernels::Tensor& context,
                               std::span<const PicturePrompt> pictures = {},
                               int64_t identityRows = 0) const;

  private:
    NormWeights m_norm1, m_norm2, m_norm3;
    FirstAttention m_first;
    Attention m_firstAttention, m_crossAttention;
    LinearWeights m_gated, m_out; // the feed-forward network
};

} // namespace kinora::pipelines
