#include "pipelines/blocks/pixel_shuffle.h"

#include "kernels/ops/layout.h"

namespace kinora::pipelines {

using kernels::Tensor;

// Pictures of a batch lie below one another, so that five axes are enough.
Tensor pixelShuffle(const Tensor& x, int64_t factor) {
    const int64_t rows = x.dim(0) * x.dim(1), columns = x.dim(2),
                  channels = x.dim(3) / (factor * factor);
    const Tensor parts = x.reshape({rows, columns, channels, factor, factor});
    return kernels::permute(parts, {0, 3, 1, 4, 2})
        .reshape({x.dim(0), x.dim(1) * factor, columns * factor, channels});
}

Tensor pixelUnshuffle(const Tensor& x, int64_t factor) {
    const int64_t height = x.dim(1) / factor, width = x.dim(2) / factor, channels = x.dim(3);
    const Tensor parts = x.reshape({x.dim(0) * height, factor, width, factor, channels});
    return kernels::permute(parts, {0, 2, 4, 1, 3})
        .reshape({x.dim(0), height, width, channels * factor * factor});
}

} // namespace kinora::pipelines
