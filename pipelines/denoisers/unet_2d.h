#pragma once
// UNet2DConditionModel: the denoiser of the Stable Diffusion family.
// Source: Rombach et al. 2022; names and numbers as diffusers' UNet2DConditionModel.

#include "pipelines/blocks/attention.h"
#include "pipelines/blocks/resnet_block_2d.h"
#include "pipelines/request/attention_layers.h"
#include "pipelines/request/free_u.h"

#include <nlohmann/json_fwd.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

struct Unet2dConfig {
    int64_t inChannels, outChannels;
    int64_t crossAttentionWidth;       // of what its transformers attend to
    int64_t promptProjectionWidth = 0; // encoder_hid_dim: of what is projected to that; 0: nothing
    // Of the latents that it was trained on; 0: not said.
    int64_t sampleHeight = 0, sampleWidth = 0;
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
    int64_t timeConditionWidth = 0;       // time_cond_proj_dim: guidance as an input (LCM); 0: none
    int64_t timeEmbeddingWidth;
    // addition_embed_type "text_time" (SDXL): a pooled prompt and some numbers (sizes) are told
    // too.
    int64_t additionWidth = 0;       // of both together, the numbers embedded; 0: not told
    int64_t additionNumberWidth = 0; // of each number's embedding
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

    // Of the prompt's embeddings.
    int64_t promptWidth() const {
        return promptProjectionWidth ? promptProjectionWidth : crossAttentionWidth;
    }
    // Whether it can be told prompts of this width: any where nothing attends to them.
    bool takesPrompts(int64_t width) const;

    // Every key of diffusers' config is read; a value that this code does not follow throws
    // Error{Unsupported} naming key and value, a wrong type or absurd value Error{BadFile}.
    // file: how errors name the config.
    static Unet2dConfig fromJson(const nlohmann::json& config,
                                 std::string_view file = "unet/config.json");
};

// What other networks add to a denoiser on its way; each [N or 1,h,w,C] in the compute dtype.
struct UnetResiduals {
    // ControlNet: to each of its skips, the first convolution's first, and to the middle's result.
    std::vector<kernels::Tensor> skips; // as many as there are, or none
    kernels::Tensor middle;
    // T2I-Adapter: to the down blocks' results, from the first on, and then to the middle's.
    std::vector<kernels::Tensor> blocks;
};

// Rows of a call that perturbed-attention guidance pushes away from: their self-attention is the
// identity in some layers. Source: Ahn et al. 2024.
struct PerturbedAttention {
    int64_t rows = 0; // the last ones
    std::span<const AttentionLayer> layers;

    // How many of the last rows a block perturbs.
    int64_t rowsIn(DenoiserPath path, size_t block) const {
        for (const AttentionLayer& layer : layers)
            if (layer.covers(path, block)) return rows;
        return 0;
    }
};

// What changes how a denoiser works, besides what it is told.
struct UnetChanges {
    std::optional<FreeU> freeU;
    PerturbedAttention perturbed;
};

class Unet2d {
  public:
    Unet2d(const Unet2dConfig& config, const Weights& weights);
    ~Unet2d();
    Unet2d(Unet2d&&) noexcept;

    // What a denoiser with additionWidth is told besides the prompt, the same at every step.
    // pooled [N,P] f32; numbers: N times as many, which embedded fill additionWidth with P.
    // -> [N,timeEmbeddingWidth] f32. Throws Error{BadFile} where they do not.
    kernels::Tensor embedAddition(const kernels::Tensor& pooled,
                                  std::span<const float> numbers) const;

    // sample [N,h,w,inChannels] f32, timesteps: N of them, promptEmbeddings [N,L,width] in the
    // compute dtype, timeCondition [N,timeConditionWidth] f32 or undefined where that is 0,
    // addition: embedAddition's, or undefined where additionWidth is 0, pictures: beside the prompt
    // -> [N,h,w,outChannels] f32. Throws Error{Internal} where residuals do not fit.
    kernels::Tensor
    operator()(const kernels::Tensor& sample, std::span<const float> timesteps,
               const kernels::Tensor& promptEmbeddings, const kernels::Tensor& timeCondition = {},
               const kernels::Tensor& addition = {}, const UnetResiduals& residuals = {},
               std::span<const PicturePrompt> pictures = {}, const UnetChanges& changes = {}) const;

    // Throws Error{InvalidArgument} where a layer has no self-attention, and says which have.
    void checkAttends(std::span<const AttentionLayer> layers) const;

    const Unet2dConfig& config() const;

  private:
    struct Layers;
    std::unique_ptr<Layers> m_layers;
};

} // namespace kinora::pipelines
