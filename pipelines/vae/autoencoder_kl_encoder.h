#pragma once
// AutoencoderKL's encoder: pictures to the distribution of their latents.
// Source: Rombach et al. 2022, appendix G; names and numbers as diffusers' AutoencoderKL.
//
//     AutoencoderKlEncoder encoder(config, weights);
//     Tensor latents = samplePosterior(encoder(picture), noise, config);

#include "pipelines/vae/autoencoder_kl.h"

#include <memory>

namespace kinora::pipelines {

// The half that a run from a picture needs besides.
class AutoencoderKlEncoder final : public VaeEncoder {
  public:
    AutoencoderKlEncoder(const AutoencoderKlConfig& config, const Weights& weights);
    ~AutoencoderKlEncoder() override;
    AutoencoderKlEncoder(AutoencoderKlEncoder&&) noexcept;

    // picture [N, h*factor, w*factor, inChannels] f32 in -1..1 -> moments [N, h, w, 2 *
    // latentChannels] f32: the means of the latents, then the logarithms of their variances
    // (posterior.h).
    kernels::Tensor operator()(const kernels::Tensor& picture) const override;

    const AutoencoderKlConfig& config() const;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

} // namespace kinora::pipelines
