// RRDBNet: dense blocks whose sums are scaled, then doublings. Source: Wang et al. 2018 (ESRGAN),
// section 3.1; the smaller start for scales below 4 is Wang et al. 2021's (Real-ESRGAN).

#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/resample.h"
#include "pipelines/blocks/conv_2d.h"
#include "pipelines/blocks/pixel_shuffle.h"
#include "pipelines/upscale/upscaler_network.h"

#include <string>
#include <utility>
#include <vector>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Tensor;

constexpr double kResidualScale = 0.2;
constexpr float kNegativeSlope = 0.2f;
constexpr int kDenseConvolutions = 5, kDenseBlocks = 3;

Tensor plusScaled(const Tensor& trunk, const Tensor& change) {
    return kernels::linearCombination(
        {{kResidualScale, kernels::convert(change, DType::F32)}, {1.0, trunk}});
}

class DenseBlock {
  public:
    DenseBlock(const Weights& weights, const UpscalerConfig& config) {
        for (int64_t i = 0; i < kDenseConvolutions; ++i)
            m_convolutions.emplace_back(weights, "conv" + std::to_string(i + 1),
                                        i + 1 < kDenseConvolutions ? config.growth
                                                                   : config.features,
                                        config.features + i * config.growth, 3);
    }

    // trunk [1,H,W,features] f32.
    Tensor operator()(const Tensor& trunk, DType compute, const Tensor& slope) const {
        std::vector<Tensor> parts{kernels::convert(trunk, compute)};
        for (size_t i = 0; i + 1 < m_convolutions.size(); ++i) {
            Tensor grown = m_convolutions[i](i == 0 ? parts[0] : kernels::concat(parts));
            parts.push_back(kernels::leakyRelu(grown, slope));
        }
        return plusScaled(trunk, m_convolutions.back()(kernels::concat(parts)));
    }

  private:
    std::vector<Conv2d> m_convolutions;
};

class RrdbNet final : public UpscalerNetwork {
  public:
    // The trunk's sums are in f32, whatever the convolutions compute in: some seventy of them add
    // up. So are pixels, for which bf16 has too few steps.
    RrdbNet(const UpscalerConfig& config, const Weights& weights)
        : m_config(config), m_compute(weights.compute()),
          m_slope(weights.device().fromHost(&kNegativeSlope, {1, 1, 1, 1}, DType::F32)),
          m_first(weights.in(DType::F32), "conv_first", config.features,
                  3 * config.unshuffle * config.unshuffle, 3),
          m_body(weights, "conv_body", config.features, config.features, 3),
          m_high(weights, "conv_hr", config.features, config.features, 3),
          m_last(weights.in(DType::F32), "conv_last", 3, config.features, 3) {
        for (int64_t i = 0; i < config.blocks; ++i)
            for (int j = 1; j <= kDenseBlocks; ++j)
                m_blocks.emplace_back(
                    weights / ("body." + std::to_string(i) + ".rdb" + std::to_string(j)), config);
        for (int64_t i = 1; i <= config.upsamplers; ++i)
            m_up.emplace_back(weights, "conv_up" + std::to_string(i), config.features,
                              config.features, 3);
    }

    Tensor operator()(const Tensor& x) const override {
        Tensor features = kernels::convert(
            trunk(m_config.unshuffle > 1 ? pixelUnshuffle(x, m_config.unshuffle) : x), m_compute);
        for (const Conv2d& up : m_up) {
            features = kernels::resizeNearest(features, 2 * features.dim(1), 2 * features.dim(2));
            features = kernels::leakyRelu(up(features), m_slope);
        }
        features = kernels::leakyRelu(m_high(features), m_slope);
        features = kernels::convert(features, DType::F32);
        return m_last(features);
    }

  private:
    Tensor trunk(const Tensor& x) const {
        const Tensor start = m_first(x);
        Tensor features = start;
        for (size_t i = 0; i < m_blocks.size(); i += kDenseBlocks) {
            const Tensor before = features;
            for (size_t j = 0; j < kDenseBlocks; ++j)
                features = m_blocks[i + j](features, m_compute, m_slope);
            features = plusScaled(before, features);
        }
        features = m_body(kernels::convert(features, m_compute));
        return kernels::add(start, features);
    }

    UpscalerConfig m_config;
    DType m_compute;
    Tensor m_slope;
    Conv2d m_first;
    std::vector<DenseBlock> m_blocks; // three for each entry of "body"
    Conv2d m_body;
    std::vector<Conv2d> m_up;
    Conv2d m_high, m_last;
};

bool fits(const UpscalerNames& names) {
    return names.contains("conv_first.weight") && names.contains("body.0.rdb1.conv1.weight");
}

UpscalerConfig readConfig(const UpscalerShapes& shapes) {
    if (shapes.has("body.0.rdb1.conv1x1.weight"))
        shapes.refuse("it is an ESRGAN+, which is not known here");
    UpscalerConfig config;
    config.features = shapes.extent("conv_first.weight", 0);
    config.growth = shapes.extent("body.0.rdb1.conv1.weight", 0);
    config.blocks = shapes.count("body.", ".rdb1.conv1.weight");
    const int64_t channels = shapes.extent("conv_first.weight", 1);
    config.unshuffle = scaleOfChannels(channels);
    if (config.unshuffle == 0 ||
        shapes.extent("conv_last.weight", 0) != UpscalerShapes::kPictureChannels)
        shapes.refuse("it is for pictures of " + std::to_string(channels) +
                      " channels, and here they have red, green and blue");
    config.upsamplers = 0;
    while (shapes.has("conv_up" + std::to_string(config.upsamplers + 1) + ".weight"))
        if (++config.upsamplers > 4) shapes.refuse("it enlarges too much");
    const int64_t inner = int64_t{1} << config.upsamplers;
    config.scale = inner / config.unshuffle;
    if (config.scale * config.unshuffle != inner) shapes.refuse("it makes pictures smaller");
    return config;
}

std::unique_ptr<UpscalerNetwork> make(const UpscalerConfig& config, const Weights& weights) {
    return std::make_unique<RrdbNet>(config, weights);
}

} // namespace

const UpscalerKind kRrdbKind{"ESRGAN", fits, readConfig, make};

} // namespace kinora::pipelines
