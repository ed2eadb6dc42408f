#pragma once
// What a denoiser is shown besides the latents, told by its number of input channels.

#include "pipelines/denoisers/denoiser.h"
#include "pipelines/vae/vae_config.h"

namespace kinora::pipelines {

enum class DenoiserInput {
    Latents,       // nothing: text to image, image to image, and inpainting by blending
    MaskAndMasked, // the mask and the latents of the kept part (inpainting models)
    Picture,       // the latents of the picture to edit (Brooks et al. 2023, InstructPix2Pix)
};

// Throws Error{BadFile} where the channels are none of these for this autoencoder's latents.
DenoiserInput denoiserInput(const DenoiserConfig& denoiser, const VaeConfig& vae);

} // namespace kinora::pipelines
