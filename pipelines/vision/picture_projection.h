#pragma once
// What an IP-Adapter makes of a picture: tokens beside those of the prompt.
// Source: Ye et al. 2023; names and numbers as in the files of h94/IP-Adapter.

#include "pipelines/vision/clip_vision_model.h"
#include "pipelines/weights/ip_adapter_file.h"

#include <memory>

namespace kinora::pipelines {

class PictureProjection {
  public:
    virtual ~PictureProjection() = default;
    // -> [1,T,tokenWidth] in the compute dtype.
    virtual kernels::Tensor operator()(const ClipVisionResult& picture) const = 0;
    // Of the side that is steered away from: `nothing` is what the encoder makes of a picture whose
    // values are all 0.
    virtual kernels::Tensor negative(const ClipVisionResult& nothing) const = 0;
};

// weights: of the file, with its names; what is for the denoiser is passed over. Throws
// Error{BadFile, Unsupported}.
std::unique_ptr<PictureProjection> makePictureProjection(const IpAdapterFile& file,
                                                         const Weights& weights);

} // namespace kinora::pipelines
