#include "pipelines/denoisers/unet_2d.h"

#include "kernels/base/error.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "pipelines/blocks/timestep_embedding.h"
#include "pipelines/denoisers/unet_2d_blocks.h"

#include <algorithm>
#include <optional>
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
    std::optional<TimestepEmbedding> addition;
    Conv2d input; // this and the last are in f32: latents and noise keep their precision
    std::vector<DownBlock> down;
    std::optional<MidBlock> middle;
    std::vector<UpBlock> up;
    GroupNorm outputNorm;
    Conv2d output;

    Layers(const Unet2dConfig& how, const Weights& weights);
    void addBlocks(const Weights& weights);
    Tensor sinusoids(std::span<const float> numbers, int64_t width) const;
    Tensor embedTime(std::span<const float> timesteps, const Tensor& condition,
                     const Tensor& added) const;
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
    if (how.additionWidth > 0) // the reference's own choice of activation here, whatever act_fn
        addition.emplace(weights / "add_embedding", how.additionWidth, how.timeEmbeddingWidth, 0,
                         kernels::Activation::Silu);
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

Tensor Unet2d::Layers::sinusoids(std::span<const float> numbers, int64_t width) const {
    return kernels::timestepEmbedding(
        device, numbers, static_cast<int>(width),
        {.flipSinToCos = config.flipSinToCos, .frequencyShift = config.frequencyShift});
}

// -> [N, width], or [1, width] where the whole batch is at one time and told the same, after the
// activation that every resnet would begin with.
Tensor Unet2d::Layers::embedTime(std::span<const float> timesteps, const Tensor& condition,
                                 const Tensor& added) const {
    const bool oneTime = std::adjacent_find(timesteps.begin(), timesteps.end(),
                                            std::not_equal_to<>()) == timesteps.end();
    if (oneTime && !condition) timesteps = timesteps.first(1);
    Tensor embedded = timeEmbedding(sinusoids(timesteps, config.blockChannels[0]), condition);
    if (added) embedded = kernels::add(added, embedded);
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

Tensor Unet2d::embedAddition(const Tensor& pooled, std::span<const float> numbers) const {
    const Layers& layers = *m_layers;
    const Unet2dConfig& config = layers.config;
    const int64_t rows = pooled.dim(0);
    const auto numberWidth =
        static_cast<int64_t>(numbers.size()) / rows * config.additionNumberWidth;
    if (pooled.dim(1) + numberWidth != config.additionWidth)
        throw Error(ErrorCode::BadFile,
                    "The denoiser takes " + std::to_string(config.additionWidth) +
                        " values besides the prompt; the pooled prompt and the sizes are " +
                        std::to_string(pooled.dim(1) + numberWidth) + ".",
                    "The parts of the model do not belong together; fetch it again.");
    const Tensor embedded = layers.sinusoids(numbers, config.additionNumberWidth);
    return (*layers.addition)(kernels::concat({pooled, embedded.reshape({rows, numberWidth})}));
}

Tensor Unet2d::operator()(const Tensor& sample, std::span<const float> timesteps,
                          const Tensor& promptEmbeddings, const Tensor& timeCondition,
                          const Tensor& addition) const {
    const Layers& layers = *m_layers;
    if (static_cast<int64_t>(timesteps.size()) != sample.dim(0) || timesteps.empty())
        throw Error(ErrorCode::Internal, "The denoiser needs one timestep for each picture.");
    if (static_cast<bool>(layers.addition) != static_cast<bool>(addition))
        throw Error(ErrorCode::Internal, "The denoiser was not told the sizes that it takes.");
    if (promptEmbeddings.dim(-1) != layers.config.crossAttentionWidth)
        throw Error(ErrorCode::BadFile,
                    "The text encoder's embeddings are " +
                        std::to_string(promptEmbeddings.dim(-1)) +
                        " wide, the denoiser's \"cross_attention_dim\" is " +
                        std::to_string(layers.config.crossAttentionWidth) + ".",
                    "The parts of the model do not belong together; fetch it again.");
    const UnetConditions conditions{layers.embedTime(timesteps, timeCondition, addition),
                                    promptEmbeddings};
    Tensor x = kernels::convert(layers.input(layers.centered(sample)), layers.compute);
    std::vector<Tensor> skips = {x};
    for (const DownBlock& block : layers.down) x = block(std::move(x), conditions, skips);
    if (layers.middle) x = (*layers.middle)(std::move(x), conditions);
    for (const UpBlock& block : layers.up) x = block(std::move(x), conditions, skips);
    x = layers.outputNorm(x, layers.config.activation);
    return layers.output(kernels::convert(x, DType::F32));
}

} // namespace kinora::pipelines
