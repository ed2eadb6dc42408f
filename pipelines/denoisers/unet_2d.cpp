#include "pipelines/denoisers/unet_2d.h"

#include "kernels/base/error.h"
#include "kernels/ops/elementwise.h"
#include "kernels/ops/layout.h"
#include "pipelines/blocks/group_norm.h"
#include "pipelines/denoisers/unet_2d_encoder.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::DType;
using kernels::Tensor;

// The residuals' skips are added where there are any.
void addSkips(std::vector<Tensor>& skips, const std::vector<Tensor>& residuals) {
    if (residuals.empty()) return;
    if (residuals.size() != skips.size())
        throw Error(ErrorCode::Internal, "There is not one residual for each skip.");
    for (size_t i = 0; i < skips.size(); ++i) skips[i] = kernels::add(skips[i], residuals[i]);
}

} // namespace

struct Unet2d::Layers {
    UnetEncoder encoder;
    std::vector<UpBlock> up;
    GroupNorm outputNorm;
    Conv2d output; // in f32, as the first: noise keeps its precision

    Layers(const Unet2dConfig& config, const Weights& weights);
};

Unet2d::Layers::Layers(const Unet2dConfig& config, const Weights& weights)
    : encoder(config, weights), outputNorm(weights, "conv_norm_out", config.blockChannels[0],
                                           config.normGroups, config.normEpsilon),
      output(weights.in(DType::F32), "conv_out", config.outChannels, config.blockChannels[0],
             config.outputKernel) {
    const std::vector<int64_t>& channels = config.blockChannels;
    const size_t levels = channels.size();
    for (size_t i = 0; i < levels; ++i) {
        const size_t level = levels - 1 - i; // of the down block that it mirrors
        UnetBlockOptions options = unetBlockOptions(config, level);
        options.layers += 1; // one more than on the way down
        options.transformerLayers = config.upTransformers[i];
        options.attention = config.upAttention[i];
        options.resize = level > 0;
        up.emplace_back(weights / "up_blocks" / std::to_string(i),
                        channels[std::min(level + 1, levels - 1)], channels[level],
                        channels[level ? level - 1 : 0], options);
    }
}

Unet2d::Unet2d(const Unet2dConfig& config, const Weights& weights)
    : m_layers(std::make_unique<Layers>(config, weights)) {
    weights.ignore("position_net."); // GLIGEN's: of boxes that nobody gives
}

Unet2d::~Unet2d() = default;

const Unet2dConfig& Unet2d::config() const {
    return m_layers->encoder.config();
}

Tensor Unet2d::embedAddition(const Tensor& pooled, std::span<const float> numbers) const {
    return m_layers->encoder.embedAddition(pooled, numbers);
}

void Unet2d::checkAttends(std::span<const AttentionLayer> layers) const {
    std::vector<AttentionLayer> attending;
    const auto& [down, up, onlyCross] =
        std::tie(config().downAttention, config().upAttention, config().onlyCrossAttention);
    for (size_t i = 0; i < down.size(); ++i)
        if (down[i] && !onlyCross[i]) attending.push_back({DenoiserPath::Down, i});
    if (config().midBlock && config().midAttention) attending.push_back({DenoiserPath::Middle, {}});
    for (size_t i = 0; i < up.size(); ++i)
        if (up[i] && !onlyCross[up.size() - 1 - i]) attending.push_back({DenoiserPath::Up, i});
    for (const AttentionLayer& layer : layers) {
        if (std::ranges::any_of(attending, [&](const AttentionLayer& other) {
                return layer.covers(other.path, other.block.value_or(0));
            }))
            continue;
        std::string names;
        for (const AttentionLayer& other : attending)
            names += (names.empty() ? "" : ", ") + toText(other);
        throw Error(ErrorCode::InvalidArgument,
                    "The denoiser has no self-attention in " + toText(layer) + ".",
                    names.empty() ? "It has none anywhere." : "It has in: " + names + ".");
    }
}

Tensor Unet2d::operator()(const Tensor& sample, const DenoiserCall& call) const {
    const auto& [encoder, up, outputNorm, output] = *m_layers;
    UnetConditions conditions = encoder.conditions(sample.dim(0), call.timesteps, call.prompts,
                                                   call.timeCondition, call.addition);
    conditions.pictures = call.pictures;
    const UnetResiduals& residuals = call.residuals;
    std::vector<Tensor> skips;
    Tensor x = encoder(encoder.begin(sample), conditions, skips, residuals.blocks, call.perturbed);
    addSkips(skips, residuals.skips);
    if (residuals.middle) x = kernels::add(x, residuals.middle);
    // Without a middle the way up begins with the very tensor that is its first skip, and the
    // reference's FreeU scales that in its place.
    const auto freeU = freeUStage(call.freeU, 0);
    if (freeU && !encoder.config().midBlock && residuals.skips.empty())
        skips.back() = scaleFirstHalf(skips.back(), freeU->backbone);
    for (size_t i = 0; i < up.size(); ++i) {
        conditions.identityRows = call.perturbed.rowsIn(DenoiserPath::Up, i);
        x = up[i](std::move(x), conditions, skips, freeUStage(call.freeU, i));
    }
    x = outputNorm(x, encoder.config().activation);
    return output(kernels::convert(x, DType::F32));
}

DenoiserConfig readUnet2d(const nlohmann::json& config, std::string_view file) {
    return Unet2dConfig::fromJson(config, file);
}

std::unique_ptr<Denoiser> makeUnet2d(const nlohmann::json& json, std::string_view file,
                                     const Weights& weights, size_t pictureAdapters) {
    Unet2dConfig config = Unet2dConfig::fromJson(json, file);
    config.pictureAdapters = pictureAdapters;
    return std::make_unique<Unet2d>(config, weights);
}

} // namespace kinora::pipelines
