#include "pipelines/vae/vae_attention.h"

namespace kinora::pipelines {
namespace {

using kernels::Tensor;

// Files from before diffusers 0.17 have these.
constexpr AttentionNames kOldNames{
    .query = "query", .key = "key", .value = "value", .out = "proj_attn"};

} // namespace

VaeAttention::VaeAttention(const Weights& weights, int64_t channels, int64_t groups, float epsilon)
    : m_norm(weights, "group_norm", channels, groups, epsilon),
      m_attention(weights, channels, channels, 1, Bias::Yes,
                  weights.has("to_q.weight") ? AttentionNames{} : kOldNames) {}

Tensor VaeAttention::operator()(const Tensor& x) const {
    const kernels::Shape sequence{x.dim(0), x.dim(1) * x.dim(2), x.dim(3)};
    const Tensor normed = m_norm(x).reshape(sequence);
    return m_attention(normed, normed, x.reshape(sequence)).reshape(x.shape());
}

} // namespace kinora::pipelines
