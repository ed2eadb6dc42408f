#pragma once
// A denoiser of any kind: of noisy latents and what it is told, it predicts what to take away. The
// config says the kind by "_class_name"; any other than those of denoiser.cpp is read as
// UNet2DConditionModel's.
//
//     auto denoiser = makeDenoiser(model.config("unet"), model.configLabel("unet"), weights);
//     Tensor prediction = (*denoiser)(sample, {timesteps, embeddings});

#include "pipelines/blocks/attention.h"
#include "pipelines/request/attention_layers.h"
#include "pipelines/request/free_u.h"
#include "pipelines/weights/weights.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// What of any kind's config its users go by.
struct DenoiserConfig {
    int64_t inChannels = 0, outChannels = 0;
    // Of the latents that it was trained on; 0: not said.
    int64_t sampleHeight = 0, sampleWidth = 0;
    int64_t promptWidth = 0;        // of the prompt's embeddings
    bool takesAnyPrompt = false;    // nothing attends to them
    int64_t timeConditionWidth = 0; // of guidance as an input (LCM); 0: none
    // Of a pooled prompt and some numbers (SDXL's sizes), which it is told too, and of each
    // number's embedding; 0: not told.
    int64_t additionWidth = 0, additionNumberWidth = 0;

    bool takesPrompts(int64_t width) const { return takesAnyPrompt || width == promptWidth; }
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

// What one call is told, for N rows.
struct DenoiserCall {
    std::span<const float> timesteps; // N
    kernels::Tensor prompts;          // [N,L,promptWidth] in the compute dtype
    kernels::Tensor timeCondition{};  // [N,timeConditionWidth] f32; undefined where that is 0
    kernels::Tensor addition{};       // embedAddition's; undefined where additionWidth is 0
    UnetResiduals residuals{};
    std::span<const PicturePrompt> pictures{}; // beside the prompt
    std::optional<FreeU> freeU{};
    PerturbedAttention perturbed{};
};

class Denoiser {
  public:
    virtual ~Denoiser() = default;

    virtual const DenoiserConfig& config() const = 0;

    // What a denoiser with additionWidth is told besides the prompt, the same at every step.
    // pooled [N,P] f32; numbers: N times as many, which embedded fill additionWidth with P.
    // -> [N,timeEmbeddingWidth] f32. Throws Error{BadFile} where they do not.
    virtual kernels::Tensor embedAddition(const kernels::Tensor& pooled,
                                          std::span<const float> numbers) const = 0;

    // sample [N,h,w,inChannels] f32 -> [N,h,w,outChannels] f32. Throws Error{Internal} where
    // residuals do not fit.
    virtual kernels::Tensor operator()(const kernels::Tensor& sample,
                                       const DenoiserCall& call) const = 0;

    // Throws Error{InvalidArgument} where a layer has no self-attention, and says which have.
    virtual void checkAttends(std::span<const AttentionLayer> layers) const = 0;
};

// Throw Error{Unsupported, BadFile} naming the config's key, in `file`, or the tensor.
DenoiserConfig readDenoiserConfig(const nlohmann::json& config,
                                  std::string_view file = "unet/config.json");
// pictureAdapters: of IP-Adapters that the weights have; no config says it.
std::unique_ptr<Denoiser> makeDenoiser(const nlohmann::json& config, std::string_view file,
                                       const Weights& weights, size_t pictureAdapters = 0);

} // namespace kinora::pipelines
