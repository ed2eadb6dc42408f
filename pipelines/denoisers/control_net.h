#pragma once
// ControlNet: a copy of a denoiser's first half that sees a picture too, and tells the denoiser
// what to add on its way. Source: Zhang et al. 2023; names and numbers as diffusers'
// ControlNetModel.
//
//     ControlNet net(ControlNetConfig::fromJson(config), weights);
//     const Tensor condition = net.embedPicture(picture);          // once for a run
//     unet(sample, ..., net(sample, timesteps, prompts, {}, condition, {.weight = 0.8}));

#include "pipelines/denoisers/unet_2d.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

struct ControlNetConfig {
    Unet2dConfig unet; // of the half that it copies
    int64_t pictureChannels = 3;
    bool blueFirst = false;                 // the picture's channels, as it was trained
    std::vector<int64_t> embeddingChannels; // of the convolutions that shrink the picture
    bool poolsResiduals = false;            // over the picture: it steers the whole, not places

    // How many times smaller than the picture the latents are.
    int64_t factor() const { return int64_t{1} << (embeddingChannels.size() - 1); }

    // As Unet2dConfig::fromJson, of a ControlNetModel's config.
    static ControlNetConfig fromJson(const nlohmann::json& config, std::string_view file);
};

// How strongly it counts: the residuals times weight, and those of higher levels less (a tenth for
// the first, as the reference's guess mode) where they are to.
struct ControlStrength {
    double weight = 1;
    bool risesWithDepth = false;
};

class ControlNet {
  public:
    ControlNet(const ControlNetConfig& config, const Weights& weights);
    ~ControlNet();
    ControlNet(ControlNet&&) noexcept;

    const ControlNetConfig& config() const;

    // As Denoiser::embedAddition, for this net.
    kernels::Tensor embedAddition(const kernels::Tensor& pooled,
                                  std::span<const float> numbers) const;

    // picture [1,H,W,pictureChannels] f32 in [0,1], red first -> [1,H/factor,W/factor,C] in the
    // compute dtype.
    kernels::Tensor embedPicture(const kernels::Tensor& picture) const;

    // The first four as DenoiserCall has them, of as many rows as are wanted; condition:
    // embedPicture's -> skips and middle.
    UnetResiduals operator()(const kernels::Tensor& sample, std::span<const float> timesteps,
                             const kernels::Tensor& promptEmbeddings,
                             const kernels::Tensor& addition, const kernels::Tensor& condition,
                             const ControlStrength& strength) const;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

} // namespace kinora::pipelines
