#include "pipelines/vae/autoencoder_kl.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "pipelines/blocks/conv_2d.h"
#include "pipelines/blocks/group_norm.h"
#include "pipelines/blocks/resnet_block_2d.h"
#include "pipelines/blocks/upsample_2d.h"
#include "pipelines/vae/vae_mid_block.h"

#include <optional>
#include <string>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::Activation;
using kernels::DType;
using kernels::Tensor;

class UpDecoderBlock {
  public:
    UpDecoderBlock(const Weights& weights, int64_t in, int64_t out, bool resize, bool attends,
                   const AutoencoderKlConfig& config) {
        for (int64_t i = 0; i <= config.layersPerBlock; ++i) {
            const std::string number = std::to_string(i);
            m_resnets.emplace_back(weights / "resnets" / number, i == 0 ? in : out, out,
                                   vaeResnetOptions(config));
            if (attends)
                m_attentions.emplace_back(weights / "attentions" / number, out, config.normGroups,
                                          kVaeEpsilon);
        }
        if (resize) m_upsample.emplace(weights / "upsamplers.0", out);
    }

    // x [N,H,W,in] -> [N,H,W,out], or twice the size.
    Tensor operator()(Tensor x) const {
        for (size_t i = 0; i < m_resnets.size(); ++i) {
            x = m_resnets[i](std::move(x));
            if (!m_attentions.empty()) x = m_attentions[i](x);
        }
        if (!m_upsample) return x;
        const int64_t height = 2 * x.dim(1), width = 2 * x.dim(2);
        return (*m_upsample)(std::move(x), height, width);
    }

  private:
    std::vector<ResnetBlock2D> m_resnets;
    std::vector<VaeAttention> m_attentions; // one after each, or none
    std::optional<Upsample2D> m_upsample;
};

} // namespace

struct AutoencoderKlDecoder::Layers {
    AutoencoderKlConfig config;
    DType compute;
    // Latents and pixels are in f32 whatever is between: bf16 has fewer steps than a picture.
    std::optional<Conv2d> postQuant;
    Conv2d input;
    VaeMidBlock middle;
    std::vector<UpDecoderBlock> up;
    GroupNorm outputNorm;
    Conv2d output;
    Tensor means, deviations; // [1,1,1,latentChannels], undefined where there are none

    Layers(const AutoencoderKlConfig& how, const Weights& decoder)
        : config(how), compute(decoder.compute()),
          input(decoder.in(DType::F32), "conv_in", how.blockChannels.back(), how.latentChannels, 3),
          middle(decoder / "mid_block", how.blockChannels.back(), how.midAttention,
                 vaeResnetOptions(how)),
          outputNorm(decoder, "conv_norm_out", how.blockChannels[0], how.normGroups, kVaeEpsilon),
          output(decoder.in(DType::F32), "conv_out", how.outChannels, how.blockChannels[0], 3) {
        const size_t levels = how.blockChannels.size();
        for (size_t i = 0; i < levels; ++i) {
            const size_t level = levels - 1 - i;
            const int64_t in = how.blockChannels[i == 0 ? level : level + 1];
            up.emplace_back(decoder / "up_blocks" / std::to_string(i), in, how.blockChannels[level],
                            level > 0, how.upAttention[i], how);
        }
        if (how.latentMeans.empty()) return;
        const kernels::Shape each{1, 1, 1, how.latentChannels};
        means = decoder.device().fromHost(how.latentMeans.data(), each, DType::F32);
        deviations = decoder.device().fromHost(how.latentDeviations.data(), each, DType::F32);
    }
};

AutoencoderKlDecoder::AutoencoderKlDecoder(const AutoencoderKlConfig& config,
                                           const Weights& weights)
    : m_layers(std::make_unique<Layers>(config, weights / "decoder")) {
    if (config.postQuantConv)
        m_layers->postQuant.emplace(weights.in(DType::F32), "post_quant_conv",
                                    config.latentChannels, config.latentChannels, 1);
    weights.ignore("encoder.");
    weights.ignore("quant_conv.");
}

AutoencoderKlDecoder::~AutoencoderKlDecoder() = default;
AutoencoderKlDecoder::AutoencoderKlDecoder(AutoencoderKlDecoder&&) noexcept = default;

const AutoencoderKlConfig& AutoencoderKlDecoder::config() const {
    return m_layers->config;
}

Tensor AutoencoderKlDecoder::operator()(const Tensor& latents) const {
    const Layers& layers = *m_layers;
    Tensor x = kernels::linearCombination({{1.0 / layers.config.scalingFactor, latents}});
    if (layers.means) x = kernels::add(kernels::multiply(x, layers.deviations), layers.means);
    if (layers.postQuant) x = (*layers.postQuant)(x);
    x = kernels::convert(layers.input(x), layers.compute);
    x = layers.middle(std::move(x));
    for (const UpDecoderBlock& block : layers.up) x = block(std::move(x));
    // The last activation is SiLU whatever the config's act_fn is, as in the reference.
    x = layers.outputNorm(x, Activation::Silu);
    x = kernels::convert(x, DType::F32);
    return layers.output(x);
}

} // namespace kinora::pipelines
