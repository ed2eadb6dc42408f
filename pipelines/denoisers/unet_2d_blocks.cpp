#include "pipelines/denoisers/unet_2d_blocks.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"

#include <string>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::Tensor;

Weights numbered(const Weights& weights, std::string_view name, int64_t index) {
    return weights / name / std::to_string(index);
}

TransformerOptions transformerAfter(const UnetBlockOptions& options, int64_t resnet) {
    TransformerOptions transformer = options.transformer;
    transformer.layers = options.transformerLayers[static_cast<size_t>(resnet)];
    return transformer;
}

// Both parts are given up, so that the arena has their room again when the joined one is used.
Tensor joined(Tensor a, Tensor b) {
    const Tensor parts[] = {std::move(a), std::move(b)};
    return kernels::concat(parts);
}

} // namespace

DownBlock::DownBlock(const Weights& weights, int64_t in, int64_t out,
                     const UnetBlockOptions& options) {
    for (int64_t i = 0; i < options.layers; ++i) {
        m_resnets.emplace_back(numbered(weights, "resnets", i), i == 0 ? in : out, out,
                               options.resnet);
        if (options.attention)
            m_attentions.emplace_back(numbered(weights, "attentions", i), out,
                                      transformerAfter(options, i));
    }
    if (options.resize)
        m_downsample.emplace(numbered(weights, "downsamplers", 0), out, options.padding);
}

Tensor DownBlock::operator()(Tensor x, const UnetConditions& conditions, std::vector<Tensor>& skips,
                             const Tensor& added) const {
    const bool attends = !m_attentions.empty();
    for (size_t i = 0; i < m_resnets.size(); ++i) {
        x = m_resnets[i](std::move(x), conditions.time);
        if (attends)
            x = m_attentions[i](x, conditions.context, conditions.pictures,
                                conditions.identityRows);
        if (added && attends && i + 1 == m_resnets.size()) x = kernels::add(x, added);
        skips.push_back(x);
    }
    if (m_downsample) {
        x = (*m_downsample)(x);
        skips.push_back(x);
    }
    if (!added || attends) return x;
    skips.back() = kernels::add(x, added);
    return skips.back();
}

MidBlock::MidBlock(const Weights& weights, int64_t channels, const UnetBlockOptions& options)
    : m_first(numbered(weights, "resnets", 0), channels, channels, options.resnet) {
    if (!options.attention) return;
    m_attention.emplace(numbered(weights, "attentions", 0), channels, options.transformer);
    m_second.emplace(numbered(weights, "resnets", 1), channels, channels, options.resnet);
}

Tensor MidBlock::operator()(Tensor x, const UnetConditions& conditions) const {
    x = m_first(std::move(x), conditions.time);
    if (!m_attention) return x;
    x = (*m_attention)(x, conditions.context, conditions.pictures, conditions.identityRows);
    return (*m_second)(std::move(x), conditions.time);
}

UpBlock::UpBlock(const Weights& weights, int64_t in, int64_t out, int64_t skipIn,
                 const UnetBlockOptions& options) {
    for (int64_t i = 0; i < options.layers; ++i) {
        const int64_t skip = i == options.layers - 1 ? skipIn : out;
        m_resnets.emplace_back(numbered(weights, "resnets", i), (i == 0 ? in : out) + skip, out,
                               options.resnet);
        if (options.attention)
            m_attentions.emplace_back(numbered(weights, "attentions", i), out,
                                      transformerAfter(options, i));
    }
    if (options.resize) m_upsample.emplace(numbered(weights, "upsamplers", 0), out);
}

Tensor UpBlock::operator()(Tensor x, const UnetConditions& conditions, std::vector<Tensor>& skips,
                           const std::optional<FreeUStage>& freeU) const {
    for (size_t i = 0; i < m_resnets.size(); ++i) {
        Tensor skip = std::move(skips.back());
        skips.pop_back();
        if (freeU) {
            x = scaleFirstHalf(x, freeU->backbone);
            skip = scaleLowFrequencies(skip, freeU->skip);
        }
        x = joined(std::move(x), std::move(skip));
        x = m_resnets[i](std::move(x), conditions.time);
        if (!m_attentions.empty())
            x = m_attentions[i](x, conditions.context, conditions.pictures,
                                conditions.identityRows);
    }
    if (!m_upsample) return x;
    const int64_t height = skips.back().dim(1), width = skips.back().dim(2);
    return (*m_upsample)(std::move(x), height, width);
}

} // namespace kinora::pipelines
