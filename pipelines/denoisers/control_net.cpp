#include "pipelines/denoisers/control_net.h"

#include "kernels/base/error.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "kernels/ops/matmul.h"
#include "pipelines/blocks/scaled.h"
#include "pipelines/denoisers/unet_2d_encoder.h"
#include "pipelines/weights/config_reader.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;
using nlohmann::json;

constexpr const char* kOwnKeys[] = {
    "conditioning_channels", "controlnet_conditioning_channel_order",
    "conditioning_embedding_out_channels", "global_pool_conditions"};

// The denoiser whose first half this is, in words that its reader knows.
json denoiserConfig(const json& config) {
    json unet = config;
    for (const char* key : kOwnKeys) unet.erase(key);
    const auto channels = config.find("block_out_channels");
    const size_t levels = channels != config.end() && channels->is_array() ? channels->size() : 4;
    unet["up_block_types"] = std::vector<std::string>(levels, "UpBlock2D"); // there are none
    unet["reverse_transformer_layers_per_block"] = std::vector<int64_t>(levels, 1);
    return unet;
}

// x [N,h,w,C] -> [N,1,1,C], the mean of each channel.
Tensor pooled(const Tensor& x) {
    const int64_t rows = x.dim(0), places = x.dim(1) * x.dim(2), channels = x.dim(3);
    const std::vector<float> ones(static_cast<size_t>(rows * places), 1.0f);
    const Tensor all = kernels::convert(
        x.device().fromHost(ones.data(), {rows, 1, places}, DType::F32), x.dtype());
    return kernels::matmul(all, x.reshape({rows, places, channels}), kernels::Transpose::No,
                           1.0f / static_cast<float>(places))
        .reshape({rows, 1, 1, channels});
}

// The reference's logspace(-1, 0, count)[index].
double depthScale(size_t index, size_t count) {
    return std::pow(10.0, -1.0 + static_cast<double>(index) / static_cast<double>(count - 1));
}

} // namespace

ControlNetConfig ControlNetConfig::fromJson(const json& config, std::string_view file) {
    if (!config.is_object())
        throw Error(ErrorCode::BadFile, std::string(file) + ": a JSON object was expected.",
                    "Fetch the ControlNet again.");
    json own = json::object();
    for (const char* key : kOwnKeys)
        if (const auto found = config.find(key); found != config.end()) own[key] = *found;
    ConfigReader reader(own, file);
    ControlNetConfig net;
    net.pictureChannels = reader.integer("conditioning_channels", 3, 1, 1024);
    const std::string order = reader.text("controlnet_conditioning_channel_order", "rgb");
    if (order != "rgb" && order != "bgr")
        reader.unsupported("controlnet_conditioning_channel_order");
    net.blueFirst = order == "bgr";
    net.embeddingChannels =
        reader.integers("conditioning_embedding_out_channels", {16, 32, 96, 256}, 1, 65536);
    net.poolsResiduals = reader.boolean("global_pool_conditions", false);
    net.unet = Unet2dConfig::fromJson(denoiserConfig(config), file);
    if (!net.unet.midBlock) ConfigReader(config, file).unsupported("mid_block_type");
    // The reference has its weights and leaves them unused.
    if (net.unet.promptProjectionWidth) ConfigReader(config, file).unsupported("encoder_hid_dim");
    return net;
}

struct ControlNet::Layers {
    ControlNetConfig config;
    UnetEncoder encoder;
    std::vector<Conv2d> embedding; // of the picture; every second one halves it
    std::vector<Conv2d> skips;     // the "zero convolutions", one for each skip
    Conv2d middle;

    Layers(const ControlNetConfig& how, const Weights& weights);
    void addEmbedding(const Weights& weights);
};

ControlNet::Layers::Layers(const ControlNetConfig& how, const Weights& weights)
    : config(how), encoder(how.unet, weights),
      middle(weights, "controlnet_mid_block", how.unet.blockChannels.back(),
             how.unet.blockChannels.back(), 1) {
    addEmbedding(weights / "controlnet_cond_embedding");
    const auto add = [&](int64_t channels) {
        const std::string name = "controlnet_down_blocks." + std::to_string(skips.size());
        skips.emplace_back(weights, name, channels, channels, 1);
    };
    const std::vector<int64_t>& channels = how.unet.blockChannels;
    add(channels[0]);
    for (size_t level = 0; level < channels.size(); ++level) {
        for (int64_t i = 0; i < how.unet.layersPerBlock[level]; ++i) add(channels[level]);
        if (level + 1 < channels.size()) add(channels[level]);
    }
}

void ControlNet::Layers::addEmbedding(const Weights& weights) {
    const std::vector<int64_t>& channels = config.embeddingChannels;
    embedding.emplace_back(weights, "conv_in", channels[0], config.pictureChannels, 3);
    for (size_t i = 0; i + 1 < channels.size(); ++i) {
        const std::string first = "blocks." + std::to_string(2 * i);
        const std::string second = "blocks." + std::to_string(2 * i + 1);
        embedding.emplace_back(weights, first, channels[i], channels[i], 3);
        embedding.emplace_back(
            weights, second, channels[i + 1], channels[i], 3,
            kernels::Conv2dOptions{.stride = 2, .padding = kernels::Padding::same(1)});
    }
    embedding.emplace_back(weights, "conv_out", config.unet.blockChannels[0], channels.back(), 3);
}

ControlNet::ControlNet(const ControlNetConfig& config, const Weights& weights)
    : m_layers(std::make_unique<Layers>(config, weights)) {}

ControlNet::~ControlNet() = default;
ControlNet::ControlNet(ControlNet&&) noexcept = default;

const ControlNetConfig& ControlNet::config() const {
    return m_layers->config;
}

Tensor ControlNet::embedAddition(const Tensor& pooled, std::span<const float> numbers) const {
    return m_layers->encoder.embedAddition(pooled, numbers);
}

Tensor ControlNet::embedPicture(const Tensor& picture) const {
    Tensor x = picture;
    if (m_layers->config.blueFirst && picture.device().hasNumbers()) {
        std::vector<float> values = picture.device().toHost<float>(picture);
        for (size_t i = 0; i + 2 < values.size(); i += 3) std::swap(values[i], values[i + 2]);
        x = picture.device().fromHost(values.data(), picture.shape(), DType::F32);
    }
    x = kernels::convert(x, m_layers->encoder.compute());
    const std::vector<Conv2d>& layers = m_layers->embedding;
    for (size_t i = 0; i < layers.size(); ++i) {
        x = layers[i](x);
        if (i + 1 < layers.size()) x = kernels::activate(x, kernels::Activation::Silu);
    }
    return x;
}

UnetResiduals ControlNet::operator()(const Tensor& sample, std::span<const float> timesteps,
                                     const Tensor& promptEmbeddings, const Tensor& addition,
                                     const Tensor& condition,
                                     const ControlStrength& strength) const {
    const Layers& layers = *m_layers;
    const UnetConditions conditions =
        layers.encoder.conditions(sample.dim(0), timesteps, promptEmbeddings, {}, addition);
    std::vector<Tensor> skips;
    Tensor x = kernels::add(layers.encoder.begin(sample), condition);
    x = layers.encoder(std::move(x), conditions, skips);

    const size_t count = skips.size() + 1;
    const bool rises = strength.risesWithDepth && !layers.config.poolsResiduals;
    const auto residual = [&](const Conv2d& layer, const Tensor& from, size_t index) {
        const double scale = rises ? depthScale(index, count) : 1;
        const Tensor result = scaled(layer(from), scale * strength.weight);
        return layers.config.poolsResiduals ? pooled(result) : result;
    };
    UnetResiduals residuals;
    residuals.middle = residual(layers.middle, x, count - 1);
    for (size_t i = 0; i < skips.size(); ++i) {
        residuals.skips.push_back(residual(layers.skips[i], skips[i], i));
        skips[i] = {};
    }
    return residuals;
}

} // namespace kinora::pipelines
