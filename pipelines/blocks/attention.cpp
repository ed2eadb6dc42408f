#include "pipelines/blocks/attention.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"

#include <string>

namespace kinora::pipelines {

Attention::Attention(const Weights& weights, int64_t width, int64_t contextWidth, int64_t heads,
                     Bias projectionBias, const AttentionNames& names, size_t pictureAdapters)
    : m_query(weights.linear(names.query, width, width, projectionBias)),
      m_key(weights.linear(names.key, width, contextWidth, projectionBias)),
      m_value(weights.linear(names.value, width, contextWidth, projectionBias)),
      m_out(weights.linear(names.out, width, width)), m_heads(static_cast<int>(heads)) {
    for (size_t i = 0; i < pictureAdapters; ++i) {
        const std::string number = std::to_string(i);
        m_pictures.push_back(
            {weights.linear("processor.to_k_ip." + number, width, contextWidth, Bias::No),
             weights.linear("processor.to_v_ip." + number, width, contextWidth, Bias::No)});
    }
}

kernels::Tensor Attention::operator()(const kernels::Tensor& x, const kernels::Tensor& context,
                                      const kernels::Tensor& residual, kernels::Causal causal,
                                      std::span<const PicturePrompt> pictures) const {
    const kernels::AttentionOptions options{.heads = m_heads, .scale = 0, .causal = causal};
    const kernels::Tensor query = m_query(x);
    kernels::Tensor mixed = kernels::attention(query, m_key(context), m_value(context), options);
    for (const PicturePrompt& picture : pictures) {
        const PictureWeights& weights = m_pictures.at(picture.adapter);
        const kernels::Tensor value =
            kernels::multiply(weights.value(picture.tokens), picture.strength);
        mixed = kernels::add(
            mixed, kernels::attention(query, weights.key(picture.tokens), value, options));
    }
    return m_out(mixed, kernels::Activation::None, residual);
}

kernels::Tensor Attention::toItself(const kernels::Tensor& x, const kernels::Tensor& residual,
                                    int64_t identityRows) const {
    if (identityRows == 0) return (*this)(x, x, residual);
    kernels::Tensor mixed = m_value(x); // of the identity: each position's own value
    const int64_t rows = x.dim(0), attending = rows - identityRows;
    if (attending > 0) {
        const kernels::Tensor seen = x.slice(0, attending);
        const kernels::Tensor parts[] = {kernels::attention(m_query(seen), m_key(seen),
                                                            mixed.slice(0, attending),
                                                            {.heads = m_heads}),
                                         mixed.slice(attending, rows)};
        mixed = kernels::stack(parts);
    }
    return m_out(mixed, kernels::Activation::None, residual);
}

} // namespace kinora::pipelines
