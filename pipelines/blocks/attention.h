#pragma once
// Multi-head attention with its four projections, as diffusers' Attention: self-attention, or
// cross-attention to a sequence of another width.

#include "kernels/ops/attention.h"
#include "pipelines/weights/weights.h"

namespace kinora::pipelines {

struct AttentionNames { // below the weights' prefix
    std::string_view query = "to_q", key = "to_k", value = "to_v", out = "to_out.0";
};

class Attention {
  public:
    // width: of the queries and of the result; contextWidth: of what is attended to.
    // projectionBias: of query, key and value; the output always has a bias.
    Attention(const Weights& weights, int64_t width, int64_t contextWidth, int64_t heads,
              Bias projectionBias, const AttentionNames& names = {});

    // x [N,L,width], context [N,Lc,contextWidth] -> [N,L,width]; residual is added.
    kernels::Tensor operator()(const kernels::Tensor& x, const kernels::Tensor& context,
                               const kernels::Tensor& residual = {},
                               kernels::Causal causal = kernels::Causal::No) const;

  private:
    LinearWeights m_query, m_key, m_value, m_out;
    int m_heads;
};

} // namespace kinora::pipelines
