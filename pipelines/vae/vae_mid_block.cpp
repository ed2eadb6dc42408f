#include "pipelines/vae/vae_mid_block.h"

#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::Tensor;

// Files from before diffusers 0.17 have these.
constexpr AttentionNames kOldNames{
    .query = "query", .key = "key", .value = "value", .out = "proj_attn"};

} // namespace

ResnetOptions vaeResnetOptions(const AutoencoderKlConfig& config) {
    return {.timeWidth = 0,
            .groups = config.normGroups,
            .epsilon = kVaeEpsilon,
            .activation = config.activation};
}

VaeMidBlock::VaeMidBlock(const Weights& weights, int64_t channels, bool attention,
                         const ResnetOptions& options)
    : m_first(weights / "resnets.0", channels, channels, options),
      m_second(weights / "resnets.1", channels, channels, options) {
    if (!attention) return;
    const Weights layer = weights / "attentions.0";
    m_norm.emplace(layer, "group_norm", channels, options.groups, options.epsilon);
    m_attention.emplace(layer, channels, channels, 1, Bias::Yes,
                        layer.has("to_q.weight") ? AttentionNames{} : kOldNames);
}

Tensor VaeMidBlock::attend(const Tensor& x) const {
    const kernels::Shape sequence{x.dim(0), x.dim(1) * x.dim(2), x.dim(3)};
    const Tensor normed = (*m_norm)(x).reshape(sequence);
    return (*m_attention)(normed, normed, x.reshape(sequence)).reshape(x.shape());
}

Tensor VaeMidBlock::operator()(Tensor x) const {
    x = m_first(std::move(x));
    if (m_attention) x = attend(x);
    return m_second(std::move(x));
}

} // namespace kinora::pipelines
