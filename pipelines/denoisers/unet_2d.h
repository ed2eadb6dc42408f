#pragma once
// UNet2DConditionModel: the denoiser of the Stable Diffusion family.
// Source: Rombach et al. 2022; names and numbers as diffusers' UNet2DConditionModel.

#include "pipelines/blocks/resnet_block_2d.h"
#include "pipelines/denoisers/denoiser.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// DenoiserConfig's timeConditionWidth is time_cond_proj_dim; additionWidth is that of
// addition_embed_type "text_time".
struct Unet2dConfig : DenoiserConfig {
    int64_t crossAttentionWidth;       // of what its transformers attend to
    int64_t promptProjectionWidth = 0; // encoder_hid_dim: of what is projected to that; 0: nothing
    std::vector<int64_t> blockChannels;
    std::vector<bool> downAttention, upAttention; // whether a block has transformers
    bool midBlock = true, midAttention = true;
    std::vector<int64_t> layersPerBlock, heads; // one for each block
    // How many layers each transformer has: in a block of the way down, of the way up (the deepest
    // first), after one of its resnets. Those of blocks without transformers mean nothing.
    std::vector<std::vector<int64_t>> downTransformers, upTransformers;
    int64_t midTransformer = 1;
    std::vector<bool> onlyCrossAttention; // one for each block; the middle has both attentions
    bool fourierTime = false;             // time_embedding_type "fourier"
    int64_t timeEmbeddingWidth;
    int64_t normGroups;
    float normEpsilon;
    TimeUse timeUse = TimeUse::Added; // resnet_time_scale_shift
    float midScale = 1; // mid_block_scale_factor: results of its resnets are divided by it
    bool linearProjection;
    bool flipSinToCos;
    float frequencyShift;
    bool centerInput = false;              // 2 x - 1 first
    bool padDownsampleAround = true;       // downsample_padding 1; false: 0, right and bottom only
    int inputKernel = 3, outputKernel = 3; // of the first and the last convolution
    kernels::Activation activation;
    // timestep_post_act, and time_embedding_act_fn after what is added.
    kernels::Activation afterTime = kernels::Activation::None;
    kernels::Activation afterAddition = kernels::Activation::None;
    size_t pictureAdapters = 0; // of IP-Adapters that the weights have; no config says it

    // Every key of diffusers' config is read; a value that this code does not follow throws
    // Error{Unsupported} naming key and value, a wrong type or absurd value Error{BadFile}.
    // file: how errors name the config.
    static Unet2dConfig fromJson(const nlohmann::json& config,
                                 std::string_view file = "unet/config.json");
};

class Unet2d : public Denoiser {
  public:
    Unet2d(const Unet2dConfig& config, const Weights& weights);
    ~Unet2d() override;

    const Unet2dConfig& config() const override;
    kernels::Tensor embedAddition(const kernels::Tensor& pooled,
                                  std::span<const float> numbers) const override;
    kernels::Tensor operator()(const kernels::Tensor& sample,
                               const DenoiserCall& call) const override;
    void checkAttends(std::span<const AttentionLayer> layers) const override;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

// Its row in denoiser.cpp.
DenoiserConfig readUnet2d(const nlohmann::json& config, std::string_view file);
std::unique_ptr<Denoiser> makeUnet2d(const nlohmann::json& config, std::string_view file,
                                     const Weights& weights, size_t pictureAdapters);

} // namespace kinora::pipelines
