#pragma once
// Multi-head attention with its four projections, as diffusers' Attention: self-attention, or
// cross-attention to a sequence of another width.

#include "kernels/ops/attention.h"
#include "pipelines/weights/weights.h"

#include <cstddef>
#include <span>
#include <vector>

namespace kinora::pipelines {

struct AttentionNames { // below the weights' prefix
    std::string_view query = "to_q", key = "to_k", value = "to_v", out = "to_out.0";
};

// A picture that is attended to beside the prompt, by the weights of an adapter.
// Source: Ye et al. 2023 (IP-Adapter), "decoupled cross-attention".
struct PicturePrompt {
    kernels::Tensor tokens;   // [N,T,contextWidth] in the compute dtype
    kernels::Tensor strength; // [1,1,1] f32
    size_t adapter = 0;       // which one's weights
};

class Attention {
  public:
    // width: of the queries and of the result; contextWidth: of what is attended to.
    // projectionBias: of query, key and value; the output always has a bias.
    // pictureAdapters: how many have weights here ("processor.to_k_ip.0").
    Attention(const Weights& weights, int64_t width, int64_t contextWidth, int64_t heads,
              Bias projectionBias, const AttentionNames& names = {}, size_t pictureAdapters = 0);

    // x [N,L,width], context [N,Lc,contextWidth] -> [N,L,width]; residual is added.
    kernels::Tensor operator()(const kernels::Tensor& x, const kernels::Tensor& context,
                               const kernels::Tensor& residual = {},
                               kernels::Causal causal = kernels::Causal::No,
                               std::span<const PicturePrompt> pictures = {}) const;

    // Self-attention; in the last identityRows of x each position attends to itself alone, as
    // perturbed-attention guidance has it. Source: Ahn et al. 2024, equation 10.
    kernels::Tensor toItself(const kernels::Tensor& x, const kernels::Tensor& residual,
                             int64_t identityRows) const;

  private:
    struct PictureWeights {
        LinearWeights key, value;
    };
    LinearWeights m_query, m_key, m_value, m_out;
    std::vector<PictureWeights> m_pictures; // one for each adapter
    int m_heads;
};

} // namespace kinora::pipelines
