#pragma once
// A picture of latents without the VAE, for the live preview: one small matrix for every latent
// pixel gives the mean colour of the pixels below it.
//
// A model's own kinora.json comes first. Checkpoints of the two common latent spaces do not bring
// one; theirs are in the source file, found by least squares: latents of unit variance with noise
// at five scales (1 to 16 latent pixels) against what the small "VAE approx" networks of the
// AUTOMATIC1111 web UI make of them (R2 0.88 for SD 1.x and 2.x, 0.86 for SDXL).

#include "pipelines/vae/preview_decoder.h"
#include "pipelines/vae/vae_config.h"

#include <array>
#include <vector>

namespace kinora::pipelines {

struct PreviewFactors {
    std::vector<std::array<float, 3>> factors; // [latent channels] to RGB in -1..1
    std::array<float, 3> bias{};
    bool empty() const { return factors.empty(); }
};

// Of the latent space that the VAE has (latent_space.h). Empty where that is not known.
PreviewFactors knownPreviewFactors(const VaeConfig& vae);

// A pixel for each of the latents.
class MatrixPreview final : public PreviewDecoder {
  public:
    // As many factors as the latents have channels.
    explicit MatrixPreview(PreviewFactors factors);
    kernels::Tensor operator()(const kernels::Tensor& latents) const override;

  private:
    PreviewFactors m_factors;
};

} // namespace kinora::pipelines
