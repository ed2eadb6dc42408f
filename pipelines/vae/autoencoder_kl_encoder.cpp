#include "pipelines/vae/autoencoder_kl_encoder.h"

#include "kernels/ops/layout.h"
#include "pipelines/blocks/conv_2d.h"
#include "pipelines/blocks/downsample_2d.h"
#include "pipelines/blocks/group_norm.h"
#include "pipelines/blocks/resnet_block_2d.h"
#include "pipelines/vae/vae_mid_block.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinora::pipelines {
namespace {

using kernels::Activation;
using kernels::DType;
using kernels::Tensor;

class DownEncoderBlock {
  public:
    DownEncoderBlock(const Weights& weights, int64_t in, int64_t out, bool resize, bool attends,
                     const AutoencoderKlConfig& config) {
        for (int64_t i = 0; i < config.layersPerBlock; ++i) {
            const std::string number = std::to_string(i);
            m_resnets.emplace_back(weights / "resnets" / number, i == 0 ? in : out, out,
                                   vaeResnetOptions(config));
            if (attends)
                m_attentions.emplace_back(weights / "attentions" / number, out, config.normGroups,
                                          kVaeEpsilon);
        }
        if (resize)
            m_downsample.emplace(weights / "downsamplers.0", out,
                                 DownsamplePadding::RightAndBottom);
    }

    // x [N,H,W,in] -> [N,H,W,out], or half the size.
    Tensor operator()(Tensor x) const {
        for (size_t i = 0; i < m_resnets.size(); ++i) {
            x = m_resnets[i](std::move(x));
            if (!m_attentions.empty()) x = m_attentions[i](x);
        }
        return m_downsample ? (*m_downsample)(x) : x;
    }

  private:
    std::vector<ResnetBlock2D> m_resnets;
    std::vector<VaeAttention> m_attentions; // one after each, or none
    std::optional<Downsample2D> m_downsample;
};

} // namespace

struct AutoencoderKlEncoder::Layers {
    AutoencoderKlConfig config;
    DType compute;
    // Pixels and latents are in f32 whatever is between, as in the decoder.
    Conv2d input;
    std::vector<DownEncoderBlock> down;
    VaeMidBlock middle;
    GroupNorm outputNorm;
    Conv2d output;
    std::optional<Conv2d> quant;

    Layers(const AutoencoderKlConfig& how, const Weights& encoder)
        : config(how), compute(encoder.compute()),
          input(encoder.in(DType::F32), "conv_in", how.blockChannels[0], how.inChannels, 3),
          middle(encoder / "mid_block", how.blockChannels.back(), how.midAttention,
                 vaeResnetOptions(how)),
          outputNorm(encoder, "conv_norm_out", how.blockChannels.back(), how.normGroups,
                     kVaeEpsilon),
          output(encoder.in(DType::F32), "conv_out", 2 * how.latentChannels,
                 how.blockChannels.back(), 3) {
        const size_t levels = how.blockChannels.size();
        for (size_t level = 0; level < levels; ++level)
            down.emplace_back(encoder / "down_blocks" / std::to_string(level),
                              how.blockChannels[level > 0 ? level - 1 : 0],
                              how.blockChannels[level], level + 1 < levels,
                              how.downAttention[level], how);
    }
};

AutoencoderKlEncoder::AutoencoderKlEncoder(const AutoencoderKlConfig& config,
                                           const Weights& weights)
    : m_layers(std::make_unique<Layers>(config, weights / "encoder")) {
    if (config.quantConv)
        m_layers->quant.emplace(weights.in(DType::F32), "quant_conv", 2 * config.latentChannels,
                                2 * config.latentChannels, 1);
    weights.ignore("decoder.");
    weights.ignore("post_quant_conv.");
}

AutoencoderKlEncoder::~AutoencoderKlEncoder() = default;
AutoencoderKlEncoder::AutoencoderKlEncoder(AutoencoderKlEncoder&&) noexcept = default;

const AutoencoderKlConfig& AutoencoderKlEncoder::config() const {
    return m_layers->config;
}

Tensor AutoencoderKlEncoder::operator()(const Tensor& picture) const {
    const Layers& layers = *m_layers;
    Tensor x = kernels::convert(layers.input(picture), layers.compute);
    for (const DownEncoderBlock& block : layers.down) x = block(std::move(x));
    x = layers.middle(std::move(x));
    // SiLU whatever the config's act_fn is, as in the decoder.
    x = layers.outputNorm(x, Activation::Silu);
    x = layers.output(kernels::convert(x, DType::F32));
    return layers.quant ? (*layers.quant)(x) : x;
}

} // namespace kinora::pipelines
