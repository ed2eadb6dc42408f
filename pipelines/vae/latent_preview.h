#pragma once
// A picture of latents without the VAE, for the live preview: one small matrix for every latent
// pixel gives the mean colour of the pixels below it.
//
// A model's own kinora.json comes first. Checkpoints of the two common latent spaces do not bring
// one; theirs are below, found by least squares: latents of unit variance with noise at five scales
// (1 to 16 latent pixels) against what the small "VAE approx" networks of the AUTOMATIC1111 web UI
// make of them (R2 0.88 for SD 1.x and 2.x, 0.86 for SDXL).

#include "kernels/tensor/tensor.h"
#include "pipelines/vae/vae_config.h"

#include <array>
#include <vector>

namespace kinora::pipelines {

struct PreviewFactors {
    std::vector<std::array<float, 3>> factors; // [latent channels] to RGB in -1..1
    std::array<float, 3> bias{};
    bool empty() const { return factors.empty(); }
};

// Of the latent space that the VAE has, known by its channels and scaling factor: SD 1.x and 2.x
// (4, 0.18215), SDXL (4, 0.13025). Empty for any other.
PreviewFactors knownPreviewFactors(const VaeConfig& vae);

// latents [1, h, w, C] f32 as the denoiser sees them, with C factors -> RGB [h, w, 3] f32 in 0..1.
kernels::Tensor previewPicture(const PreviewFactors& factors, const kernels::Tensor& latents);

} // namespace kinora::pipelines
