#pragma once
// Changing the size of a picture's grid.

#include "kernels/tensor/tensor.h"

namespace kinora::kernels {

// x [N,H,W,C] -> [N,height,width,C], the source pixel floor(y * (H / height)), at most
// H - 1, computed in f32 as torch.nn.functional.interpolate(mode="nearest") does.
Tensor resizeNearest(const Tensor& x, int64_t height, int64_t width);

// x [N,H,W,C] -> [N,H/2,W/2,C], the mean of each 2x2 block; an odd last row or column is dropped.
Tensor averagePool2x2(const Tensor& x);

} // namespace kinora::kernels
