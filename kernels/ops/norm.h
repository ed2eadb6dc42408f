#pragma once
// Normalisations. Sums are in f32 or better whatever the dtype; scale and shift are [C] f32 and may
// be undefined.

#include "kernels/backend/backend_table.h"
#include "kernels/tensor/tensor.h"

namespace kinora::kernels {

// x [N, ..., C], C divisible by groups -> same shape. Each (item, group) is normalised over all
// positions and its C/groups channels. Source: Wu and He 2018.
Tensor groupNorm(const Tensor& x, const Tensor& scale, const Tensor& shift, int groups,
                 float epsilon, Activation activation = Activation::None);

// Group norm followed by SiLU in one pass: the pair that every SD block begins with.
inline Tensor groupNormSilu(const Tensor& x, const Tensor& scale, const Tensor& shift, int groups,
                            float epsilon) {
    return groupNorm(x, scale, shift, groups, epsilon, Activation::Silu);
}

// Over the last axis. Source: Ba et al. 2016.
Tensor layerNorm(const Tensor& x, const Tensor& scale, const Tensor& shift, float epsilon);

// Over the last axis, without a mean: x / sqrt(mean(x^2) + epsilon) * scale.
// Source: Zhang and Sennrich 2019.
Tensor rmsNorm(const Tensor& x, const Tensor& scale, float epsilon);

} // namespace kinora::kernels
