#pragma once
// A picture of latents by a small autoencoder (TAESD): sharp, for some percent of a step's time.

#include "pipelines/vae/preview_decoder.h"
#include "pipelines/vae/vae_config.h"

#include <memory>

namespace kinora::pipelines {

class TinyPreview final : public PreviewDecoder {
  public:
    // decoder: of the latents' channels, to RGB. pooling, 1 or more: so many rows and columns of
    // latents become one before they are decoded, so that a large picture's preview is not dear.
    TinyPreview(std::unique_ptr<const VaeDecoder> decoder, int64_t pooling);
    // [1,h,w,C] -> [h / pooling * factor, w / pooling * factor, 3], sizes of latents rounded.
    kernels::Tensor operator()(const kernels::Tensor& latents) const override;

  private:
    std::unique_ptr<const VaeDecoder> m_decoder;
    int64_t m_pooling;
};

// latents [1,h,w,C] f32 -> [1, about h / pooling, about w / pooling, C], each the mean of a box of
// them; at least 1 x 1.
kernels::Tensor pooledLatents(const kernels::Tensor& latents, int64_t pooling);

} // namespace kinora::pipelines
