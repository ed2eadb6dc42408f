#include "pipelines/vae/vae_mid_block.h"

#include <utility>

namespace kinora::pipelines {

using kernels::Tensor;

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
    if (attention)
        m_attention.emplace(weights / "attentions.0", channels, options.groups, options.epsilon);
}

Tensor VaeMidBlock::operator()(Tensor x) const {
    x = m_first(std::move(x));
    if (m_attention) x = (*m_attention)(x);
    return m_second(std::move(x));
}

} // namespace kinora::pipelines
