#pragma once
// What the networks that enlarge pictures have in common.

#include "pipelines/upscale/upscaler_file.h"
#include "pipelines/upscale/upscaler_names.h"
#include "pipelines/upscale/upscaler_shapes.h"
#include "pipelines/weights/weights.h"

#include <memory>

namespace kinora::pipelines {

class UpscalerNetwork {
  public:
    virtual ~UpscalerNetwork() = default;
    // x [1,H,W,3] f32 in 0..1, H and W multiples of the config's unshuffle -> [1,H*scale,W*scale,3]
    // f32, about 0..1.
    virtual kernels::Tensor operator()(const kernels::Tensor& x) const = 0;
};

// A kind of network: how it is told, and how it is made. Each is in the file of its network; a new
// one is a row in upscaler_file.cpp.
struct UpscalerKind {
    const char* name; // "ESRGAN"
    // By the names that BasicSR has for the file's tensors.
    bool (*fits)(const UpscalerNames& names);
    // All but `kind`. Throws Error{Unsupported} where it is no network of this kind after all.
    UpscalerConfig (*config)(const UpscalerShapes& shapes);
    // weights: under BasicSR's names.
    std::unique_ptr<UpscalerNetwork> (*make)(const UpscalerConfig& config, const Weights& weights);
};

extern const UpscalerKind kRrdbKind;
extern const UpscalerKind kSrvggKind;

// nullptr: of none.
const UpscalerKind* findUpscalerKind(const UpscalerNames& names);

} // namespace kinora::pipelines
