#pragma once
// Upsample2D: nearest neighbour to a larger size, then a 3x3 convolution, as diffusers' Upsample2D.

#include "pipelines/blocks/conv_2d.h"

namespace kinora::pipelines {

struct Upsample2D {
    Conv2d conv;

    Upsample2D(const Weights& weights, int64_t channels);

    // x [N,H,W,channels] -> [N,height,width,channels].
    kernels::Tensor operator()(kernels::Tensor x, int64_t height, int64_t width) const;
};

} // namespace kinora::pipelines
