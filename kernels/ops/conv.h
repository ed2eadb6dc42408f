#pragma once
// Convolution over pictures, channels last.

#include "kernels/backend/weight.h"
#include "kernels/tensor/tensor.h"

namespace kinora::kernels {

struct Padding {
    int top = 0, left = 0, bottom = 0, right = 0;
    static Padding same(int amount) { return {amount, amount, amount, amount}; }
};

struct Conv2dOptions {
    int stride = 1;
    Padding padding;
    int dilation = 1;
};

// input [N,H,W,I], weight [O,I,kh,kw], bias [O] f32 or undefined -> [N,Ho,Wo,O] in input's dtype,
// Ho = (H + top + bottom - dilation * (kh - 1) - 1) / stride + 1. Cross-correlation, as
// torch.nn.functional.conv2d. residual, where defined, is added to the result.
// Throws Error{Internal} where shapes or dtypes do not agree.
Tensor conv2d(const Tensor& input, const Weight& weight, const Tensor& bias,
              const Conv2dOptions& options = {}, const Tensor& residual = {});

} // namespace kinora::kernels
