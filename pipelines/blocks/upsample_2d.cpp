#include "pipelines/blocks/upsample_2d.h"

#include "kernels/ops/resample.h"

namespace kinora::pipelines {

Upsample2D::Upsample2D(const Weights& weights, int64_t channels)
    : conv(weights, "conv", channels, channels, 3) {}

kernels::Tensor Upsample2D::operator()(kernels::Tensor x, int64_t height, int64_t width) const {
    x = kernels::resizeNearest(x, height, width);
    return conv(x);
}

} // namespace kinora::pipelines
