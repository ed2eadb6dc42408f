#pragma once
// AutoencoderKL's config, and its decoder: latents to pictures. autoencoder_kl_encoder.h is the way
// in.
// Source: Rombach et al. 2022, appendix G; names and numbers as diffusers' AutoencoderKL.

#include "pipelines/vae/vae_config.h"
#include "pipelines/weights/weights.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

struct AutoencoderKlConfig {
    int64_t inChannels, outChannels, latentChannels, layersPerBlock, normGroups;
    std::vector<int64_t> blockChannels;
    // Whether the resnets of a block of the encoder, of the decoder (the deepest first) are
    // followed by attention.
    std::vector<bool> downAttention, upAttention;
    bool midAttention, quantConv, postQuantConv;
    float scalingFactor;
    std::vector<float> latentMeans, latentDeviations; // of each channel, or none
    kernels::Activation activation;
    int64_t factor() const { return int64_t{1} << (blockChannels.size() - 1); } // pixels per latent
    operator VaeConfig() const {
        return {.inChannels = inChannels,
                .outChannels = outChannels,
                .latentChannels = latentChannels,
                .pixelsPerLatent = factor(),
                .scalingFactor = scalingFactor,
                .encoding = Encoding::Distribution,
                .latentMeans = latentMeans,
                .latentDeviations = latentDeviations};
    }
    // Throws Error{Unsupported, BadFile} naming the key. file: how errors name the config.
    static AutoencoderKlConfig fromJson(const nlohmann::json& config,
                                        std::string_view file = "vae/config.json");
};

// The half that every run needs.
class AutoencoderKlDecoder final : public VaeDecoder {
  public:
    AutoencoderKlDecoder(const AutoencoderKlConfig& config, const Weights& weights);
    ~AutoencoderKlDecoder() override;
    AutoencoderKlDecoder(AutoencoderKlDecoder&&) noexcept;

    kernels::Tensor operator()(const kernels::Tensor& latents) const override;

    const AutoencoderKlConfig& config() const;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

} // namespace kinora::pipelines
