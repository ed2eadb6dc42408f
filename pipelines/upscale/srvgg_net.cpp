// SRVGGNetCompact: plain convolutions at the small size, whose channels become pixels at the end
// and are added to the picture enlarged without smoothing. Source: Real-ESRGAN's compact models
// (Wang et al. 2021), "realesr-general-x4v3".

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

struct Layer {
    Conv2d convolution;
    Tensor slopes; // [1,1,1,features]

    Layer(const Weights& weights, int64_t index, int64_t in, int64_t features)
        : convolution(weights, "body." + std::to_string(index), features, in, 3),
          slopes((weights / ("body." + std::to_string(index + 1)))
                     .vector("weight", features)
                     .reshape({1, 1, 1, features})) {}
};

class SrvggNet final : public UpscalerNetwork {
  public:
    // Pixels are in f32 whatever is between: bf16 has too few steps for them.
    SrvggNet(const UpscalerConfig& config, const Weights& weights)
        : m_config(config), m_compute(weights.compute()),
          m_first(weights.in(DType::F32), 0, 3, config.features),
          m_last(weights.in(DType::F32), "body." + std::to_string(2 * config.blocks + 2),
                 3 * config.scale * config.scale, config.features, 3) {
        for (int64_t i = 1; i <= config.blocks; ++i)
            m_layers.emplace_back(weights, 2 * i, config.features, config.features);
    }

    Tensor operator()(const Tensor& x) const override {
        Tensor features = kernels::leakyRelu(m_first.convolution(x), m_first.slopes);
        features = kernels::convert(features, m_compute);
        for (const Layer& layer : m_layers)
            features = kernels::leakyRelu(layer.convolution(features), layer.slopes);
        const Tensor detail =
            pixelShuffle(m_last(kernels::convert(features, DType::F32)), m_config.scale);
        return kernels::add(detail, kernels::resizeNearest(x, detail.dim(1), detail.dim(2)));
    }

  private:
    UpscalerConfig m_config;
    DType m_compute;
    Layer m_first;
    std::vector<Layer> m_layers;
    Conv2d m_last;
};

bool fits(const UpscalerNames& names) {
    return names.contains("body.0.weight") && names.contains("body.1.weight") &&
           !names.contains("conv_first.weight");
}

UpscalerConfig readConfig(const UpscalerShapes& shapes) {
    UpscalerConfig config;
    config.features = shapes.extent("body.0.weight", 0);
    // Convolutions and slopes in turn; a convolution is last.
    const int64_t layers = shapes.count("body.", ".weight");
    if (layers < 3 || layers % 2 == 0 || shapes.rank("body.1.weight") != 1)
        shapes.refuse("its layers are not those of a compact network");
    config.blocks = (layers - 3) / 2;
    const int64_t out = shapes.extent("body." + std::to_string(layers - 1) + ".weight", 0);
    config.scale = scaleOfChannels(out);
    if (config.scale == 0 || shapes.extent("body.0.weight", 1) != UpscalerShapes::kPictureChannels)
        shapes.refuse("it is not for pictures of red, green and blue");
    return config;
}

std::unique_ptr<UpscalerNetwork> make(const UpscalerConfig& config, const Weights& weights) {
    return std::make_unique<SrvggNet>(config, weights);
}

} // namespace

const UpscalerKind kSrvggKind{"Real-ESRGAN compact", fits, readConfig, make};

} // namespace kinora::pipelines
