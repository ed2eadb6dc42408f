#include "pipelines/blocks/clip_encoder_layer.h"

#include "kernels/ops/norm.h"

namespace kinora::pipelines {
namespace {

constexpr AttentionNames kProjections{
    .query = "q_proj", .key = "k_proj", .value = "v_proj", .out = "out_proj"};

} // namespace

ClipEncoderLayer::ClipEncoderLayer(const Weights& weights, const ClipLayerOptions& options)
    : m_norm1(weights.norm("layer_norm1", options.width)),
      m_norm2(weights.norm("layer_norm2", options.width)),
      m_attention(weights / "self_attn", options.width, options.width, options.heads, Bias::Yes,
                  kProjections),
      m_expand(weights.linear("mlp.fc1", options.intermediate, options.width)),
      m_contract(weights.linear("mlp.fc2", options.width, options.intermediate)),
      m_options(options) {}

kernels::Tensor ClipEncoderLayer::operator()(kernels::Tensor x) const {
    const float epsilon = m_options.epsilon;
    kernels::Tensor hidden = kernels::layerNorm(x, m_norm1.scale, m_norm1.shift, epsilon);
    x = m_attention(hidden, hidden, x, m_options.causal);
    hidden = kernels::layerNorm(x, m_norm2.scale, m_norm2.shift, epsilon);
    hidden = m_expand(hidden, m_options.activation);
    return m_contract(hidden, kernels::Activation::None, x);
}

} // namespace kinora::pipelines
