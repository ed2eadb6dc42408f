#pragma once
// Between channels and pixels, in the order of torch.nn.PixelShuffle: channel c * factor^2 +
// row * factor + column is pixel (row, column) of channel c.

#include "kernels/tensor/tensor.h"

namespace kinora::pipelines {

// x [N,H,W,C*factor^2] -> [N,H*factor,W*factor,C].
kernels::Tensor pixelShuffle(const kernels::Tensor& x, int64_t factor);

// x [N,H*factor,W*factor,C] -> [N,H,W,C*factor^2].
kernels::Tensor pixelUnshuffle(const kernels::Tensor& x, int64_t factor);

} // namespace kinora::pipelines
