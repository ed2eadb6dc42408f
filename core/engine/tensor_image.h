#pragma once
// A picture as pipelines make it, as one that is shown and written.

#include "core/media/image.h"
#include "kernels/backend/device.h"

namespace kinora::core {

// tensor: [H,W,C] f32 in 0..1. A VAE may have any number of channels, a picture has RGB or RGBA:
// one channel is gray, two are gray and alpha, of more than four the first three are shown.
Image toImage(const kernels::Tensor& tensor);

} // namespace kinora::core
