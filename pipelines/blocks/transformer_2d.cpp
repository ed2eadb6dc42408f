#include "pipelines/blocks/transformer_2d.h"

#include "kernels/base/error.h"

#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::Tensor;

constexpr float kEpsilon = 1e-6f;

// The heads share the channels evenly; what is left over is not attended with.
int64_t innerWidth(int64_t channels, int64_t heads) {
    if (heads < 1 || heads > channels)
        throw Error(ErrorCode::BadFile,
                    "The config asks for " + std::to_string(heads) + " attention heads over " +
                        std::to_string(channels) + " channels.",
                    "The model's config is damaged or made by hand; fetch the model again.");
    return channels / heads * heads;
}

// x [N,H,W,C]; residual is shaped as the result or undefined.
Tensor project(const std::variant<LinearWeights, Conv2d>& projection, const Tensor& x,
               const Tensor& residual = {}) {
    if (const auto* linear = std::get_if<LinearWeights>(&projection))
        return (*linear)(x, kernels::Activation::None, residual);
    return std::get<Conv2d>(projection)(x, residual);
}

} // namespace

Transformer2D::Projection Transformer2D::makeProjection(const Weights& weights,
                                                        std::string_view name, int64_t out,
                                                        int64_t in, bool linear) {
    if (linear) return weights.linear(name, out, in);
    return Conv2d(weights, name, out, in, 1);
}

Transformer2D::Transformer2D(const Weights& weights, int64_t channels,
                             const TransformerOptions& options)
    : m_norm(weights, "norm", channels, options.groups, kEpsilon),
      m_in(makeProjection(weights, "proj_in", innerWidth(channels, options.heads), channels,
                          options.linearProjection)),
      m_out(makeProjection(weights, "proj_out", channels, innerWidth(channels, options.heads),
                           options.linearProjection)) {
    const int64_t inner = innerWidth(channels, options.heads);
    m_blocks.reserve(static_cast<size_t>(options.layers));
    for (int64_t i = 0; i < options.layers; ++i)
        m_blocks.emplace_back(weights / ("transformer_blocks." + std::to_string(i)), inner,
                              options.contextWidth, options.heads,
                              options.onlyCrossAttention ? FirstAttention::ToPrompt
                                                         : FirstAttention::ToItself,
                              options.pictureAdapters);
}

Tensor Transformer2D::operator()(const Tensor& x, const Tensor& context,
                                 std::span<const PicturePrompt> pictures,
                                 int64_t identityRows) const {
    const int64_t batch = x.dim(0), height = x.dim(1), width = x.dim(2);
    Tensor hidden = m_norm(x);
    hidden = project(m_in, hidden);
    const int64_t inner = hidden.dim(-1);
    hidden = hidden.reshape({batch, height * width, inner});
    for (const BasicTransformerBlock& block : m_blocks)
        hidden = block(std::move(hidden), context, pictures, identityRows);
    return project(m_out, hidden.reshape({batch, height, width, inner}), x);
}

} // namespace kinora::pipelines
