#include "pipelines/vae/autoencoder_tiny.h"

#include "kernels/backend/device.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/resample.h"
#include "pipelines/blocks/conv_2d.h"

#include <optional>
#include <string>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::Activation;
using kernels::DType;
using kernels::Tensor;

// Three convolutions with a way around them.
class TinyBlock {
  public:
    TinyBlock(const Weights& weights, int64_t channels, Activation activation)
        : m_first(weights, "conv.0", channels, channels, 3),
          m_second(weights, "conv.2", channels, channels, 3),
          m_third(weights, "conv.4", channels, channels, 3), m_activation(activation) {}

    // x [N,H,W,channels] -> the same shape.
    Tensor operator()(const Tensor& x) const {
        Tensor hidden = kernels::activate(m_first(x), m_activation);
        hidden = kernels::activate(m_second(hidden), m_activation);
        return kernels::activate(m_third(hidden, x), Activation::Relu);
    }

  private:
    Conv2d m_first, m_second, m_third;
    Activation m_activation;
};

// Between two levels, without a bias: the encoder's halve the size.
class LevelConv {
  public:
    LevelConv(const Weights& weights, const std::string& name, int64_t channels, int stride)
        : m_weight(weights.convolution(name, channels, channels, 3, stride)),
          m_options{.stride = stride, .padding = kernels::Padding::same(1)} {}

    Tensor operator()(const Tensor& x) const { return kernels::conv2d(x, m_weight, {}, m_options); }

  private:
    kernels::Weight m_weight;
    kernels::Conv2dOptions m_options;
};

struct Level {
    std::vector<TinyBlock> blocks;
    std::optional<LevelConv> resize; // the encoder's: before the blocks; the decoder's: after them
};

// "layers.3": the layers are one numbered sequence.
class Numbers {
  public:
    std::string next() { return "layers." + std::to_string(m_next++); }
    void skip() { ++m_next; }

  private:
    int m_next = 0;
};

std::vector<TinyBlock> blocksOf(const Weights& weights, Numbers& numbers, int64_t count,
                                int64_t channels, Activation activation) {
    std::vector<TinyBlock> blocks;
    for (int64_t i = 0; i < count; ++i)
        blocks.emplace_back(weights / numbers.next(), channels, activation);
    return blocks;
}

Tensor run(const std::vector<TinyBlock>& blocks, Tensor x) {
    for (const TinyBlock& block : blocks) x = block(x);
    return x;
}

// 3 * tanh(x / 3): latents far out are held.
Tensor softlyClamped(const Tensor& latents, float scalingFactor) {
    const Tensor third = kernels::linearCombination({{1.0 / scalingFactor / 3.0, latents}});
    return kernels::linearCombination({{3.0, kernels::activate(third, Activation::Tanh)}});
}

// scale * x + shift, f32.
Tensor shifted(const Tensor& x, double scale, float shift) {
    const Tensor constant = x.device().fromHost(&shift, {1, 1, 1, 1}, DType::F32);
    return kernels::add(kernels::linearCombination({{scale, x}}), constant);
}

} // namespace

struct AutoencoderTinyDecoder::Layers {
    AutoencoderTinyConfig config;
    DType compute;
    // Latents and pixels are in f32 whatever is between: bf16 has fewer steps than a picture.
    std::optional<Conv2d> input, output;
    std::vector<Level> levels;
};

AutoencoderTinyDecoder::AutoencoderTinyDecoder(const AutoencoderTinyConfig& config,
                                               const Weights& all)
    : m_layers(std::make_unique<Layers>()) {
    const Weights weights = all / "decoder";
    Layers& layers = *m_layers;
    layers.config = config;
    layers.compute = weights.compute();
    const int64_t channels = config.decoderChannels.front();
    Numbers numbers;
    layers.input.emplace(weights.in(DType::F32), numbers.next(), channels, config.latentChannels,
                         3);
    numbers.skip(); // the activation
    for (size_t i = 0; i < config.decoderBlocks.size(); ++i) {
        Level& level = layers.levels.emplace_back();
        level.blocks =
            blocksOf(weights, numbers, config.decoderBlocks[i], channels, config.activation);
        if (i + 1 == config.decoderBlocks.size()) break;
        numbers.skip(); // the upsampling
        level.resize.emplace(weights, numbers.next(), channels, 1);
    }
    layers.output.emplace(weights.in(DType::F32), numbers.next(), config.outChannels, channels, 3);
    all.ignore("encoder.");
}

AutoencoderTinyDecoder::~AutoencoderTinyDecoder() = default;

Tensor AutoencoderTinyDecoder::operator()(const Tensor& latents) const {
    const Layers& layers = *m_layers;
    Tensor x = (*layers.input)(softlyClamped(latents, layers.config.scalingFactor));
    x = kernels::activate(kernels::convert(x, layers.compute), layers.config.activation);
    for (const Level& level : layers.levels) {
        x = run(level.blocks, std::move(x));
        if (level.resize)
            x = (*level.resize)(kernels::resizeNearest(x, 2 * x.dim(1), 2 * x.dim(2)));
    }
    return shifted((*layers.output)(kernels::convert(x, DType::F32)), 2, -1);
}

struct AutoencoderTinyEncoder::Layers {
    AutoencoderTinyConfig config;
    DType compute;
    std::optional<Conv2d> input, output;
    std::vector<Level> levels;
};

AutoencoderTinyEncoder::AutoencoderTinyEncoder(const AutoencoderTinyConfig& config,
                                               const Weights& all)
    : m_layers(std::make_unique<Layers>()) {
    const Weights weights = all / "encoder";
    Layers& layers = *m_layers;
    layers.config = config;
    layers.compute = weights.compute();
    const int64_t channels = config.encoderChannels.front();
    Numbers numbers;
    layers.input.emplace(weights.in(DType::F32), numbers.next(), channels, config.inChannels, 3);
    for (size_t i = 0; i < config.encoderBlocks.size(); ++i) {
        Level& level = layers.levels.emplace_back();
        if (i > 0) level.resize.emplace(weights, numbers.next(), channels, 2);
        level.blocks =
            blocksOf(weights, numbers, config.encoderBlocks[i], channels, config.activation);
    }
    layers.output.emplace(weights.in(DType::F32), numbers.next(), config.latentChannels, channels,
                          3);
    all.ignore("decoder.");
}

AutoencoderTinyEncoder::~AutoencoderTinyEncoder() = default;

Tensor AutoencoderTinyEncoder::operator()(const Tensor& picture) const {
    const Layers& layers = *m_layers;
    Tensor x = (*layers.input)(shifted(picture, 0.5, 0.5f));
    x = kernels::convert(x, layers.compute);
    for (const Level& level : layers.levels) {
        if (level.resize) x = (*level.resize)(x);
        x = run(level.blocks, std::move(x));
    }
    return (*layers.output)(kernels::convert(x, DType::F32));
}

} // namespace kinora::pipelines
