#include "pipelines/blocks/downsample_2d.h"

#include "kernels/base/error.h"

namespace kinora::pipelines {
namespace {

kernels::Padding paddingOf(DownsamplePadding padding) {
    if (padding == DownsamplePadding::Around) return kernels::Padding::same(1);
    return {.top = 0, .left = 0, .bottom = 1, .right = 1};
}

} // namespace

Downsample2D::Downsample2D(const Weights& weights, int64_t channels, DownsamplePadding padding)
    : conv(weights, "conv", channels, channels, 3, {.stride = 2, .padding = paddingOf(padding)}) {}

kernels::Tensor Downsample2D::operator()(const kernels::Tensor& x) const {
    const kernels::Padding& padding = conv.options.padding;
    if (x.dim(1) + padding.top + padding.bottom < 3 || x.dim(2) + padding.left + padding.right < 3)
        throw Error(ErrorCode::InvalidArgument,
                    "The picture is too small: the model halves it once more where it is one place "
                    "high or wide.",
                    "Ask for a larger width and height.");
    return conv(x);
}

} // namespace kinora::pipelines
