#include "pipelines/blocks/attention.h"

namespace kinora::pipelines {

Attention::Attention(const Weights& weights, int64_t width, int64_t contextWidth, int64_t heads,
                     Bias projectionBias, const AttentionNames& names)
    : m_query(weights.linear(names.query, width, width, projectionBias)),
      m_key(weights.linear(names.key, width, contextWidth, projectionBias)),
      m_value(weights.linear(names.value, width, contextWidth, projectionBias)),
      m_out(weights.linear(names.out, width, width)), m_heads(static_cast<int>(heads)) {}

kernels::Tensor Attention::operator()(const kernels::Tensor& x, const kernels::Tensor& context,
                                      const kernels::Tensor& residual,
                                      kernels::Causal causal) const {
    kernels::Tensor mixed = kernels::attention(m_query(x), m_key(context), m_value(context),
                                               {.heads = m_heads, .scale = 0, .causal = causal});
    return m_out(mixed, kernels::Activation::None, residual);
}

} // namespace kinora::pipelines
