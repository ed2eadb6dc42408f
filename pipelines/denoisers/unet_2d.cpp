#include "pipelines/denoisers/unet_2d.h"

#include "kernels/base/error.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "pipelines/blocks/timestep_embedding.h"
#include "pipelines/denoisers/unet_2d_blocks.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Tensor;

// Block `level` of the down path (or the middle, which is shaped as the last), or of the up path,
// which has one layer more.
UnetBlockOptions optionsOf(const Unet2dConfig& config, size_t level) {
    UnetBlockOptions options{};
    options.layers = config.layersPerBlock[level];
    options.padding =
        config.padDownsampleAround ? DownsamplePadding::Around : DownsamplePadding::RightAndBottom;
    options.resnet = {.timeWidth = config.timeEmbeddingWidth,
                      .groups = config.normGroups,
                      .epsilon = config.normEpsilon,
                      .activation = config.activation};
    options.transformer = {.layers = config.transformerLayers[level],
                           .heads = config.heads[level],
                           .contextWidth = config.crossAttentionWidth,
                           .groups = config.normGroups,
                           .linearProjection = config.linearProjection};
    return options;
}

} // namespace

struct Unet2d::Layers {
    Unet2dConfig config;
    kernels::Device& device;
    DType compute;
    TimestepEmbedding timeEmbedding;
    Conv2d input; // this and the last are in f32: latents and noise keep their precision
    std::vector<DownBlock> down;
    std::optional<MidBlock> middle;
    std::vector<UpBlock> up;
    GroupNorm outputNorm;
    Conv2d output;

    Layers(const Unet2dConfig& how, const Weights& weights);
    void addBlocks(const Weights& weights);
    Tensor embedTime(std::span<const float> timesteps, const Tensor& condition) const;
    Tensor centered(const Tensor& sample) const;
};

Unet2d::Layers::Layers(const Unet2dConfig& how, const Weights& weights)
    : config(how), device(weights.device()), compute(weights.compute()),
      timeEmbedding(weights / "time_embedding", how.blockChannels[0], how.timeEmbeddingWidth,
                    how.timeConditionWidth, how.activation),
      input(weights.in(DType::F32), "conv_in", how.blockChannels[0], how.inChannels,
            how.inputKernel),
      outputNorm(weights, "conv_norm_out", how.blockChannels[0], how.normGroups, how.normEpsilon),
      output(weights.in(DType::F32), "conv_out", how.outChannels, how.blockChannels[0],
             how.outputKernel) {
    addBlocks(weights);
}

void Unet2d::Layers::addBlocks(const Weights& weights) {
    const std::vector<int64_t>& channels = config.blockChannels;
    const size_t levels = channels.size();
    for (size_t i = 0; i < levels; ++i) {
        UnetBlockOptions options = optionsOf(config, i);
        options.attention = config.downAttention[i];
        options.resize = i + 1 < levels;
        down.emplace_back(weights / "down_blocks" / std::to_string(i), channels[i ? i - 1 : 0],
                          channels[i], options);
    }
    if (config.midBlock) {
        UnetBlockOptions options = optionsOf(config, levels - 1);
        options.attention = config.midAttention;
        options.resnet.outputScale = config.midScale;
        middle.emplace(weights / "mid_block", channels.back(), options);
    }
    for (size_t i = 0; i < levels; ++i) {
        const size_t level = levels - 1 - i; // of the down block that it mirrors
        UnetBlockOptions options = optionsOf(config, level);
        options.layers += 1;
        options.attention = config.upAttention[i];
        options.resize = level > 0;
        up.emplace_back(weights / "up_blocks" / std::to_string(i),
                        channels[std::min(level + 1, levels - 1)], channels[level],
                        channels[level ? level - 1 : 0], options);
    }
}

// -> [N, width], or [1, width] where the whole batch is at one time, after the activation that
// every resnet would begin with.
Tensor Unet2d::Layers::embedTime(std::span<const float> timesteps, const Tensor& condition) const {
    const bool oneTime = std::adjacent_find(timesteps.begin(), timesteps.end(),
                                            std::not_equal_to<>()) == timesteps.end();
    if (oneTime && !condition) timesteps = timesteps.first(1);
    const Tensor sinusoids = kernels::timestepEmbedding(
        device, timesteps, static_cast<int>(config.blockChannels[0]),
        {.flipSinToCos = config.flipSinToCos, .frequencyShift = config.frequencyShift});
    const Tensor embedded = timeEmbedding(sinusoids, condition);
    return kernels::convert(kernels::activate(embedded, config.activation), compute);
}

Tensor Unet2d::Layers::centered(const Tensor& sample) const {
    if (!config.centerInput) return sample;
    const float minusOne = -1;
    return kernels::add(kernels::linearCombination({{2.0, sample}}),
                        device.fromHost(&minusOne, {1, 1, 1, 1}, DType::F32));
}

Unet2d::Unet2d(const Unet2dConfig& config, const Weights& weights)
    : m_layers(std::make_unique<Layers>(config, weights)) {}

Unet2d::~Unet2d() = default;
Unet2d::Unet2d(Unet2d&&) noexcept = default;

const Unet2dConfig& Unet2d::config() const {
    return m_layers->config;
}

Tensor Unet2d::operator()(const Tensor& sample, std::span<const float> timesteps,
                          const Tensor& promptEmbeddings, const Tensor& timeCondition) const {
    const Layers& layers = *m_layers;
    if (static_cast<int64_t>(timesteps.size()) != sample.dim(0) || timesteps.empty())
        throw Error(ErrorCode::Internal, "The denoiser needs one timestep for each picture.");
    if (promptEmbeddings.dim(-1) != layers.config.crossAttentionWidth)
        throw Error(ErrorCode::BadFile,
                    "The text encoder's embeddings are " +
                        std::to_string(promptEmbeddings.dim(-1)) +
                        " wide, the denoiser's \"cross_attention_dim\" is " +
                        std::to_string(layers.config.crossAttentionWidth) + ".",
                    "The parts of the model do not belong together; fetch it again.");
    const UnetConditions conditions{layers.embedTime(timesteps, timeCondition), promptEmbeddings};
    Tensor x = kernels::convert(layers.input(layers.centered(sample)), layers.compute);
    std::vector<Tensor> skips = {x};
    for (const DownBlock& block : layers.down) x = block(std::move(x), conditions, skips);
    if (layers.middle) x = (*layers.middle)(std::move(x), conditions);
    for (const UpBlock& block : layers.up) x = block(std::move(x), conditions, skips);
    x = layers.outputNorm(x, layers.config.activation);
    return layers.output(kernels::convert(x, DType::F32));
}

} // namespace kinora::pipelines
