#pragma once
// Classifier-free guidance.

#include "kernels/tensor/tensor.h"

namespace kinora::pipelines {

// output [2N,h,w,C] f32, the negative prompt's half first -> [N,h,w,C]:
//     g = negative + scale * (positive - negative)
// With rescale > 0, g is mixed with g brought to the positive half's standard deviation:
//     rescale * g * std(positive) / std(g) + (1 - rescale) * g
// Sources: Ho and Salimans 2022; Lin et al. 2023, section 3.4.
kernels::Tensor guide(const kernels::Tensor& output, double scale, double rescale);

// output [3N,h,w,C] f32: without prompt and picture, with the picture, with both -> [N,h,w,C]:
//     neither + scale * (both - picture) + imageScale * (picture - neither)
// Source: Brooks et al. 2023, equation 3.
kernels::Tensor guideEdit(const kernels::Tensor& output, double scale, double imageScale);

} // namespace kinora::pipelines
