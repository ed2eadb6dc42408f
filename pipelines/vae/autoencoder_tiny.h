#pragma once
// AutoencoderTiny (TAESD and its kin): a small network that makes nearly the picture that the whole
// autoencoder would, in a fiftieth of its time.
// Source: madebyollin's TAESD; names and numbers as diffusers' AutoencoderTiny.

#include "pipelines/vae/vae_config.h"
#include "pipelines/weights/weights.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

inline constexpr std::string_view kAutoencoderTinyClass = "AutoencoderTiny";

struct AutoencoderTinyConfig {
    int64_t inChannels, outChannels, latentChannels;
    std::vector<int64_t> encoderChannels, decoderChannels; // of each level, in their order
    std::vector<int64_t> encoderBlocks, decoderBlocks;     // how many each level has
    kernels::Activation activation;
    float scalingFactor;
    operator VaeConfig() const;
    // Throws Error{Unsupported, BadFile} naming the key. file: how errors name the config.
    static AutoencoderTinyConfig fromJson(const nlohmann::json& config,
                                          std::string_view file = "vae/config.json");
};

class AutoencoderTinyDecoder final : public VaeDecoder {
  public:
    AutoencoderTinyDecoder(const AutoencoderTinyConfig& config, const Weights& weights);
    ~AutoencoderTinyDecoder() override;
    kernels::Tensor operator()(const kernels::Tensor& latents) const override;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

// Gives latents, not a distribution of them.
class AutoencoderTinyEncoder final : public VaeEncoder {
  public:
    AutoencoderTinyEncoder(const AutoencoderTinyConfig& config, const Weights& weights);
    ~AutoencoderTinyEncoder() override;
    kernels::Tensor operator()(const kernels::Tensor& picture) const override;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

} // namespace kinora::pipelines
