#pragma once
// Downsample2D: a 3x3 convolution of stride 2, as diffusers' Downsample2D.

#include "pipelines/blocks/conv_2d.h"

namespace kinora::pipelines {

// Around: one pixel on each side (denoisers). RightAndBottom: one pixel there only (autoencoders).
enum class DownsamplePadding { Around, RightAndBottom };

struct Downsample2D {
    Conv2d conv;

    Downsample2D(const Weights& weights, int64_t channels, DownsamplePadding padding);

    // x [N,H,W,channels] -> half the size: rounded up (Around) or down. Throws
    // Error{InvalidArgument} where nothing would be left.
    kernels::Tensor operator()(const kernels::Tensor& x) const;
};

} // namespace kinora::pipelines
