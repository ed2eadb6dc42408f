#include "pipelines/blocks/basic_transformer_block.h"

#include "kernels/ops/matmul.h"
#include "kernels/ops/norm.h"

#include <utility>

namespace kinora::pipelines {
namespace {

constexpr float kEpsilon = 1e-5f;
constexpr int64_t kExpansion = 4; // of the feed-forward network

kernels::Tensor normed(const kernels::Tensor& x, const NormWeights& norm) {
    return kernels::layerNorm(x, norm.scale, norm.shift, kEpsilon);
}

} // namespace

BasicTransformerBlock::BasicTransformerBlock(const Weights& weights, int64_t width,
                                             int64_t contextWidth, int64_t heads,
                                             FirstAttention first, size_t pictureAdapters)
    : m_norm1(weights.norm("norm1", width)), m_norm2(weights.norm("norm2", width)),
      m_norm3(weights.norm("norm3", width)), m_first(first),
      m_firstAttention(weights / "attn1", width,
                       first == FirstAttention::ToPrompt ? contextWidth : width, heads, Bias::No),
      m_crossAttention(weights / "attn2", width, contextWidth, heads, Bias::No, {},
                       pictureAdapters),
      m_gated(weights.linear("ff.net.0.proj", 2 * kExpansion * width, width)),
      m_out(weights.linear("ff.net.2", width, kExpansion * width)) {
    weights.ignore("fuser."); // GLIGEN's: without boxes nothing goes through it
}

kernels::Tensor BasicTransformerBlock::operator()(kernels::Tensor x, const kernels::Tensor& context,
                                                  std::span<const PicturePrompt> pictures,
                                                  int64_t identityRows) const {
    kernels::Tensor hidden = normed(x, m_norm1);
    x = m_first == FirstAttention::ToPrompt ? m_firstAttention(hidden, context, x)
                                            : m_firstAttention.toItself(hidden, x, identityRows);
    hidden = normed(x, m_norm2);
    x = m_crossAttention(hidden, context, x, kernels::Causal::No, pictures);
    hidden = normed(x, m_norm3);
    hidden = kernels::gatedLinear(hidden, m_gated.weight, m_gated.bias, kernels::Activation::Gelu);
    return m_out(hidden, kernels::Activation::None, x);
}

} // namespace kinora::pipelines
