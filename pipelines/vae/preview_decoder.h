#pragma once
// What shows a run's latents while it goes on: a small picture of them, made between two steps. It
// changes nothing of what the run makes.

#include "kernels/tensor/tensor.h"

namespace kinora::pipelines {

class PreviewDecoder {
  public:
    virtual ~PreviewDecoder() = default;
    // latents [1,h,w,C] f32 as the denoiser sees them -> RGB [H,W,3] f32 in 0..1, of a size of its
    // own. Throws Error{OutOfMemory}, Cancelled.
    virtual kernels::Tensor operator()(const kernels::Tensor& latents) const = 0;
};

} // namespace kinora::pipelines
