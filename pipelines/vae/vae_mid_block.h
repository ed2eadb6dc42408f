#pragma once
// The middle of an autoencoder, the same in its encoder and its decoder: resnet, attention, resnet.
// Source: Rombach et al. 2022, appendix G; names and numbers as diffusers' UNetMidBlock2D.

#include "pipelines/blocks/resnet_block_2d.h"
#include "pipelines/vae/autoencoder_kl.h"
#include "pipelines/vae/vae_attention.h"

#include <optional>

namespace kinora::pipelines {

// Of every norm in an autoencoder.
inline constexpr float kVaeEpsilon = 1e-6f;
// Of every resnet in an autoencoder of this config.
ResnetOptions vaeResnetOptions(const AutoencoderKlConfig& config);

class VaeMidBlock {
  public:
    VaeMidBlock(const Weights& weights, int64_t channels, bool attention,
                const ResnetOptions& options);
    // x [N,H,W,channels] -> the same shape.
    kernels::Tensor operator()(kernels::Tensor x) const;

  private:
    ResnetBlock2D m_first;
    std::optional<VaeAttention> m_attention;
    ResnetBlock2D m_second;
};

} // namespace kinora::pipelines
