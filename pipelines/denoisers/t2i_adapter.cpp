#include "pipelines/denoisers/t2i_adapter.h"

#include "kernels/ops/elementwise.h"
#include "kernels/ops/embedding.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/resample.h"
#include "pipelines/blocks/pixel_shuffle.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <string>

namespace kinora::pipelines {
namespace {

using kernels::Tensor;

// The mean of each 2 x 2 block; blocks that are cut at the right and bottom are the mean of what
// there is, which is that of their last row and column said twice.
Tensor halved(const Tensor& x) {
    const int64_t height = x.dim(1), width = x.dim(2), channels = x.dim(3);
    if (height % 2 == 0 && width % 2 == 0) return kernels::averagePool2x2(x);
    const int64_t evenHeight = height + height % 2, evenWidth = width + width % 2;
    std::vector<int32_t> pixels;
    for (int64_t y = 0; y < evenHeight; ++y)
        for (int64_t i = 0; i < evenWidth; ++i)
            pixels.push_back(
                static_cast<int32_t>(std::min(y, height - 1) * width + std::min(i, width - 1)));
    const Tensor whole = kernels::embedding(x.reshape({height * width, channels}), pixels);
    return kernels::averagePool2x2(whole.reshape({1, evenHeight, evenWidth, channels}));
}

struct KindName {
    std::string_view name;
    T2iAdapterKind kind;
};
constexpr KindName kKinds[] = {{"full_adapter", T2iAdapterKind::Full},
                               {"full_adapter_xl", T2iAdapterKind::FullXl},
                               {"light_adapter", T2iAdapterKind::Light}};

} // namespace

T2iAdapterConfig T2iAdapterConfig::fromJson(const nlohmann::json& json, std::string_view file) {
    ConfigReader reader(json, file);
    T2iAdapterConfig config;
    const std::string type = reader.text("adapter_type", "full_adapter");
    const auto* const known = std::ranges::find(kKinds, type, &KindName::name);
    if (known == std::end(kKinds)) reader.unsupported("adapter_type");
    config.kind = known->kind;
    config.pictureChannels = reader.integer("in_channels", 3, 1, 3);
    if (config.pictureChannels == 2) reader.unsupported("in_channels");
    config.channels = reader.integers("channels", {320, 640, 1280, 1280}, 1, 65536);
    config.residuals = reader.integer("num_res_blocks", 2, 1, 64);
    config.factor = reader.integer("downscale_factor", 8, 1, 64);
    const bool light = config.kind == T2iAdapterKind::Light;
    if (light && std::ranges::min(config.channels) < 4) reader.unsupported("channels");
    reader.finish();
    return config;
}

T2iAdapter::T2iAdapter(const T2iAdapterConfig& config, const Weights& weights)
    : m_config(config), m_compute(weights.compute()) {
    const int64_t channels = config.pictureChannels * config.factor * config.factor;
    if (config.kind == T2iAdapterKind::Light) {
        addLightLevels(weights / "body", channels);
        return;
    }
    m_input.emplace(weights, "conv_in", config.channels[0], channels, 3);
    addFullLevels(weights / "body");
}

void T2iAdapter::addFullLevels(const Weights& body) {
    const bool xl = m_config.kind == T2iAdapterKind::FullXl;
    for (size_t i = 0; i < m_config.channels.size(); ++i) {
        const Weights level = body / std::to_string(i);
        const int64_t channels = m_config.channels[i];
        // From the third level on the XL adapter keeps its channels, whatever the config says.
        const int64_t before = m_config.channels[i == 0 || (xl && i > 2) ? i : i - 1];
        Level& made = m_levels.emplace_back();
        made.halves = xl ? i == 2 : i > 0;
        if (before != channels) made.input.emplace(level, "in_conv", channels, before, 1);
        for (int64_t j = 0; j < m_config.residuals; ++j) {
            const Weights block = level / "resnets" / std::to_string(j);
            made.residuals.push_back({Conv2d(block, "block1", channels, channels, 3),
                                      Conv2d(block, "block2", channels, channels, 1)});
        }
    }
}

void T2iAdapter::addLightLevels(const Weights& body, int64_t pictureChannels) {
    int64_t before = pictureChannels;
    for (size_t i = 0; i <= m_config.channels.size(); ++i) { // the last number counts twice
        const Weights level = body / std::to_string(i);
        const int64_t channels = m_config.channels[std::min(i, m_config.channels.size() - 1)];
        const int64_t inside = channels / 4;
        Level& made = m_levels.emplace_back();
        made.halves = i > 0;
        made.input.emplace(level, "in_conv", inside, before, 1);
        for (int64_t j = 0; j < m_config.residuals; ++j) {
            const Weights block = level / "resnets" / std::to_string(j);
            made.residuals.push_back({Conv2d(block, "block1", inside, inside, 3),
                                      Conv2d(block, "block2", inside, inside, 3)});
        }
        made.output.emplace(level, "out_conv", channels, inside, 1);
        before = channels;
    }
}

std::vector<Tensor> T2iAdapter::operator()(const Tensor& picture) const {
    Tensor x = kernels::convert(pixelUnshuffle(picture, m_config.factor), m_compute);
    if (m_input) x = (*m_input)(x);
    std::vector<Tensor> features;
    for (const Level& level : m_levels) {
        if (level.halves) x = halved(x);
        if (level.input) x = (*level.input)(x);
        for (const Residual& block : level.residuals)
            x = block.second(kernels::activate(block.first(x), kernels::Activation::Relu), x);
        if (level.output) x = (*level.output)(x);
        features.push_back(x);
    }
    return features;
}

} // namespace kinora::pipelines
