#pragma once
// Transformer2D: transformer blocks over the positions of a picture, around a residual connection.
// Source: Rombach et al. 2022; names and numbers as diffusers' Transformer2DModel.

#include "pipelines/blocks/basic_transformer_block.h"
#include "pipelines/blocks/conv_2d.h"
#include "pipelines/blocks/group_norm.h"

#include <variant>
#include <vector>

namespace kinora::pipelines {

struct TransformerOptions {
    int64_t layers = 1;
    int64_t heads = 8;
    int64_t contextWidth = 768; // of the prompt embeddings
    int64_t groups = 32;
    bool linearProjection = false; // how the file stores the projections: [out,in] or [out,in,1,1]
    bool onlyCrossAttention = false; // the first attention of a layer is to the prompt, too
    size_t pictureAdapters = 0;      // whose weights are there for pictures beside the prompt
};

class Transformer2D {
  public:
    // Throws Error{BadFile} where there are more heads than channels.
    Transformer2D(const Weights& weights, int64_t channels, const TransformerOptions& options);

    // x [N,H,W,channels], context [N,L,contextWidth] -> [N,H,W,channels]. identityRows: as
    // Attention::toItself.
    kernels::Tensor operator()(const kernels::Tensor& x, const kernels::Tensor& context,
                               std::span<const PicturePrompt> pictures = {},
                               int64_t identityRows = 0) const;

  private:
    using Projection = std::variant<LinearWeights, Conv2d>;
    static Projection makeProjection(const Weights& weights, std::string_view name, int64_t out,
                                     int64_t in, bool linear);

    GroupNorm m_norm;
    Projection m_in;
    std::vector<BasicTransformerBlock> m_blocks;
    Projection m_out;
};

} // namespace kinora::pipelines
