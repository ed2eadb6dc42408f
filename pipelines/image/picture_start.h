#pragma once
// How a run begins from a picture: its latents, what of them is kept, and what the denoiser is
// shown besides.
//
//     PictureStart start(DenoiserInput::Latents, inputs, vae, encode, AlphaMeaning::None, device);
//     PictureStart::Batch batch = start.begin(scheduler, firstCall, strength, noise, drawStart);
//     latents = batch.latents;
//     ... after each step: latents = start.keep(batch, latents, scheduler, nextCall);
//
// Random numbers are drawn in the order of diffusers' pipelines (StableDiffusionImg2ImgPipeline,
// StableDiffusionInpaintPipeline, StableDiffusionInstructPix2PixPipeline), with one difference:
// each picture of a batch draws its own posterior, where the inpainting pipeline repeats the first
// one's.

#include "kernels/backend/device.h"
#include "pipelines/image/denoiser_input.h"
#include "pipelines/image/run_inputs.h"
#include "pipelines/noise/noise_generator.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/vae/vae_config.h"
#include "pipelines/weights/model.h"

#include <functional>

namespace kinora::pipelines {

class PictureStart {
  public:
    PictureStart() = default; // from no picture: a run from noise alone

    // Pictures as the autoencoder takes them to what its encoder gives (vae_config.h).
    using Encode = std::function<kernels::Tensor(const kernels::Tensor& picture)>;

    // Encodes the pictures; inputs.init is there, inputs.mask where a part is kept. On the meta
    // back end the shapes alone count. Throws Error{Unsupported, OutOfMemory} and what encode
    // throws.
    PictureStart(DenoiserInput kind, const RunInputs& inputs, const VaeConfig& vae,
                 const Encode& encode, AlphaMeaning alpha, kernels::Device& device);

    // What one batch takes of it.
    struct Batch {
        kernels::Tensor latents;  // [N,h,w,C] before the first call
        kernels::Tensor clean;    // [N,h,w,C] of the picture, where a part of it is kept,
        kernels::Tensor noise;    // and the start noise, to bring it to each call's level
        kernels::Tensor channels; // [N,h,w,...] that the denoiser is shown besides
    };
    // drawStart: the start noise, [N,h,w,C] of unit variance, from a file or from `noise`.
    Batch begin(const Scheduler& scheduler, int firstCall, double strength, BatchNoise& noise,
                const std::function<kernels::Tensor()>& drawStart) const;

    // The latents after the step before `nextCall`, with the part that is kept put back; `nextCall`
    // is scheduler.callCount() after the last one.
    kernels::Tensor keep(const Batch& batch, const kernels::Tensor& latents,
                         const Scheduler& scheduler, int nextCall) const;

    bool isEdit() const { return m_edited.defined(); }

  private:
    // Latents of each picture of the batch; nothing is drawn where the encoding is exact.
    kernels::Tensor draw(const kernels::Tensor& encoded, BatchNoise& noise) const;

    DenoiserInput m_kind = DenoiserInput::Latents;
    VaeConfig m_vae;
    kernels::Tensor m_moments; // [1,h,w,encodedChannels] of the picture
    kernels::Tensor m_masked;  // the same of the picture with gray where it is made anew
    kernels::Tensor m_mask;    // [1,h,w,1]: 1 is made anew, 0 kept
    kernels::Tensor m_kept;    // 1 - m_mask
    kernels::Tensor m_edited;  // [1,h,w,C]: means, where the denoiser edits
};

} // namespace kinora::pipelines
