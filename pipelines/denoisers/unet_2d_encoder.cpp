#include "pipelines/denoisers/unet_2d_encoder.h"

#include "kernels/base/error.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Tensor;

UnetBlockOptions unetBlockOptions(const Unet2dConfig& config, size_t level) {
    UnetBlockOptions options{};
    options.layers = config.layersPerBlock[level];
    options.transformerLayers = config.downTransformers[level];
    options.padding =
        config.padDownsampleAround ? DownsamplePadding::Around : DownsamplePadding::RightAndBottom;
    options.resnet = {.timeWidth = config.timeEmbeddingWidth,
                      .groups = config.normGroups,
                      .epsilon = config.normEpsilon,
                      .activation = config.activation,
                      .timeUse = config.timeUse};
    options.transformer = {.layers = config.midTransformer,
                           .heads = config.heads[level],
                           .contextWidth = config.crossAttentionWidth,
                           .groups = config.normGroups,
                           .linearProjection = config.linearProjection,
                           .onlyCrossAttention = config.onlyCrossAttention[level],
                           .pictureAdapters = config.pictureAdapters};
    return options;
}

UnetEncoder::UnetEncoder(const Unet2dConfig& config, const Weights& weights)
    : m_config(config), m_device(weights.device()), m_compute(weights.compute()),
      m_timeEmbedding(weights / "time_embedding",
                      config.fourierTime ? config.timeEmbeddingWidth : config.blockChannels[0],
                      config.timeEmbeddingWidth, config.timeConditionWidth, config.activation,
                      config.afterTime),
      m_input(weights.in(DType::F32), "conv_in", config.blockChannels[0], config.inChannels,
              config.inputKernel) {
    if (config.fourierTime)
        m_fourierTime.emplace(weights / "time_proj", config.timeEmbeddingWidth,
                              config.flipSinToCos);
    if (config.promptProjectionWidth > 0)
        m_promptProjection = weights.linear("encoder_hid_proj", config.crossAttentionWidth,
                                            config.promptProjectionWidth);
    if (config.additionWidth > 0) // the reference's own choice of activation here, whatever act_fn
        m_addition.emplace(weights / "add_embedding", config.additionWidth,
                           config.timeEmbeddingWidth, 0, kernels::Activation::Silu);
    const std::vector<int64_t>& channels = config.blockChannels;
    const size_t levels = channels.size();
    for (size_t i = 0; i < levels; ++i) {
        UnetBlockOptions options = unetBlockOptions(config, i);
        options.attention = config.downAttention[i];
        options.resize = i + 1 < levels;
        m_down.emplace_back(weights / "down_blocks" / std::to_string(i), channels[i ? i - 1 : 0],
                            channels[i], options);
    }
    if (!config.midBlock) return;
    UnetBlockOptions options = unetBlockOptions(config, levels - 1);
    options.attention = config.midAttention;
    options.transformer.onlyCrossAttention = false;
    options.resnet.outputScale = config.midScale;
    m_middle.emplace(weights / "mid_block", channels.back(), options);
}

Tensor UnetEncoder::sinusoids(std::span<const float> numbers, int64_t width) const {
    return kernels::timestepEmbedding(
        m_device, numbers, static_cast<int>(width),
        {.flipSinToCos = m_config.flipSinToCos, .frequencyShift = m_config.frequencyShift});
}

// -> [N, width], or [1, width] where the whole batch is at one time and told the same, after the
// activation that every resnet would begin with.
Tensor UnetEncoder::embedTime(std::span<const float> timesteps, const Tensor& condition,
                              const Tensor& added) const {
    const bool oneTime = std::adjacent_find(timesteps.begin(), timesteps.end(),
                                            std::not_equal_to<>()) == timesteps.end();
    if (oneTime && !condition) timesteps = timesteps.first(1);
    const Tensor waves = m_fourierTime ? (*m_fourierTime)(timesteps)
                                       : sinusoids(timesteps, m_config.blockChannels[0]);
    Tensor embedded = m_timeEmbedding(waves, condition);
    if (added) embedded = kernels::add(added, embedded);
    if (m_config.afterAddition != kernels::Activation::None)
        embedded = kernels::activate(embedded, m_config.afterAddition);
    return kernels::convert(kernels::activate(embedded, m_config.activation), m_compute);
}

Tensor UnetEncoder::centered(const Tensor& sample) const {
    if (!m_config.centerInput) return sample;
    const float minusOne = -1;
    return kernels::add(kernels::linearCombination({{2.0, sample}}),
                        m_device.fromHost(&minusOne, {1, 1, 1, 1}, DType::F32));
}

Tensor UnetEncoder::embedAddition(const Tensor& pooled, std::span<const float> numbers) const {
    const int64_t rows = pooled.dim(0);
    const auto numberWidth =
        static_cast<int64_t>(numbers.size()) / rows * m_config.additionNumberWidth;
    if (pooled.dim(1) + numberWidth != m_config.additionWidth)
        throw Error(ErrorCode::BadFile,
                    "The denoiser takes " + std::to_string(m_config.additionWidth) +
                        " values besides the prompt; the pooled prompt and the sizes are " +
                        std::to_string(pooled.dim(1) + numberWidth) + ".",
                    "The parts of the model do not belong together; fetch it again.");
    const Tensor embedded = sinusoids(numbers, m_config.additionNumberWidth);
    return (*m_addition)(kernels::concat({pooled, embedded.reshape({rows, numberWidth})}));
}

UnetConditions UnetEncoder::conditions(int64_t rows, std::span<const float> timesteps,
                                       const Tensor& promptEmbeddings, const Tensor& timeCondition,
                                       const Tensor& addition) const {
    if (static_cast<int64_t>(timesteps.size()) != rows || timesteps.empty())
        throw Error(ErrorCode::Internal, "The denoiser needs one timestep for each picture.");
    if (static_cast<bool>(m_addition) != static_cast<bool>(addition))
        throw Error(ErrorCode::Internal, "The denoiser was not told the sizes that it takes.");
    if (!m_config.takesPrompts(promptEmbeddings.dim(-1)))
        throw Error(ErrorCode::BadFile,
                    "The text encoder's embeddings are " +
                        std::to_string(promptEmbeddings.dim(-1)) + " wide, the denoiser's \"" +
                        (m_promptProjection ? "encoder_hid_dim" : "cross_attention_dim") +
                        "\" is " + std::to_string(m_config.promptWidth) + ".",
                    "The parts of the model do not belong together; fetch it again.");
    return {embedTime(timesteps, timeCondition, addition),
            m_promptProjection ? (*m_promptProjection)(promptEmbeddings) : promptEmbeddings,
            {},
            0};
}

Tensor UnetEncoder::begin(const Tensor& sample) const {
    return kernels::convert(m_input(centered(sample)), m_compute);
}

Tensor UnetEncoder::operator()(Tensor x, const UnetConditions& conditions,
                               std::vector<Tensor>& skips, std::span<const Tensor> added,
                               const PerturbedAttention& perturbed) const {
    skips.push_back(x);
    UnetConditions told = conditions;
    for (size_t i = 0; i < m_down.size(); ++i) {
        told.identityRows = perturbed.rowsIn(DenoiserPath::Down, i);
        x = m_down[i](std::move(x), told, skips, added.empty() ? Tensor{} : added.front());
        if (!added.empty()) added = added.subspan(1);
    }
    if (!m_middle) return x;
    told.identityRows = perturbed.rowsIn(DenoiserPath::Middle, 0);
    x = (*m_middle)(std::move(x), told);
    // One more is for the middle, where it has its shape (the reference asks so, too).
    const bool fits = !added.empty() && added.front().dim(1) == x.dim(1) &&
                      added.front().dim(2) == x.dim(2) && added.front().dim(3) == x.dim(3);
    return fits ? kernels::add(x, added.front()) : x;
}

} // namespace kinora::pipelines
