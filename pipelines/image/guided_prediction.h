#pragma once
// One call of the denoiser for pictures and prompts, with guidance mixed in.

#include "kernels/backend/device.h"
#include "pipelines/denoisers/denoiser.h"
#include "pipelines/image/control_nets.h"
#include "pipelines/image/prompt_encoder.h"
#include "pipelines/request/image_request.h"

#include <optional>
#include <span>

namespace kinora::pipelines {

// What the calls of one batch have in common; borrows.
struct GuidedDenoiser {
    const Denoiser& denoiser;
    kernels::Device& device;
    const ImageRequest& request; // resolved
    const EncodedPrompts& prompts;
    const kernels::Tensor& channels; // [N,h,w,...] that the denoiser is shown besides; often none
    bool edits;                      // channels are the picture to edit: guidance is by it too
    const ControlRun& control;       // what steers it
    int64_t calls;                   // of the denoiser in this run
    std::optional<FreeU> freeU;      // as the request has it
    std::span<const AttentionLayer> perturbedLayers; // where attention guidance perturbs
};

// input [N,h,w,C] f32 as the scheduler scales it -> [N,h,w,C'] f32. Prompts that are joined (AND)
// pull away from the negative one, each by its weight:
//     positive = negative + sum of weight_i * (positive_i - negative)
// before guidance, which may be by perturbed attention too (guidance.h). Source: Liu et al. 2022,
// as A1111 has it. call: of the denoiser in this run, from 0.
kernels::Tensor predictGuided(const GuidedDenoiser& denoiser, int64_t call,
                              const kernels::Tensor& input, double timestep);

} // namespace kinora::pipelines
