#include "kernels/ops/conv.h"

#include "kernels/base/error.h"
#include "kernels/ops/op_call.h"

namespace kinora::kernels {

namespace {

// The extent of one output axis; below 1 where the kernel does not fit.
int64_t outputExtent(int64_t input, int64_t padding, int64_t kernel, int64_t dilation,
                     int64_t stride) {
    const int64_t room = input + padding - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}

WorkClass classOf(const Weight& weight, const Conv2dOptions& options) {
    const Padding& padding = options.padding;
    const bool isProduct = weight.shape()[2] == 1 && weight.shape()[3] == 1 &&
                           options.stride == 1 && !padding.top && !padding.left &&
                           !padding.bottom && !padding.right;
    return isProduct                ? WorkClass::Matmul
           : weight.isForWinograd() ? WorkClass::WinogradConvolution
                                    : WorkClass::Convolution;
}

} // namespace

Tensor conv2d(const Tensor& input, const Weight& weight, const Tensor& bias,
              const Conv2dOptions& options, const Tensor& residual) {
    const OpCall call("conv2d", {{"input", input},
                                 {"bias", bias, Presence::Optional},
                                 {"residual", residual, Presence::Optional}});
    call.requireComputeDtype(input);
    call.require(input.shape().rank() == 4, "the input must be [N, H, W, C]");
    call.requireWeight(weight, WeightKind::Conv2d, input.dtype());
    const Shape& kernel = weight.shape();
    call.require(kernel.rank() == 4, "the weight must be [O, I, height, width]");
    if (kernel[1] != input.dim(3) || kernel.elements() == 0)
        throw Error(ErrorCode::Internal, "conv2d: an input of shape " + toString(input.shape()) +
                                             " does not fit a weight of shape " + toString(kernel) +
                                             ".");
    call.requireChannelVector(bias, kernel[0]);
    const Padding& padding = options.padding;
    call.require(options.stride >= 1 && options.dilation >= 1,
                 "stride and dilation must be at least 1");
    call.require(padding.top >= 0 && padding.left >= 0 && padding.bottom >= 0 && padding.right >= 0,
                 "padding must not be negative");

    const int64_t height = outputExtent(input.dim(1), padding.top + padding.bottom, kernel[2],
                                        options.dilation, options.stride);
    const int64_t width = outputExtent(input.dim(2), padding.left + padding.right, kernel[3],
                                       options.dilation, options.stride);
    call.require(height > 0 && width > 0, "the input is smaller than the kernel");
    const Shape shape{input.dim(0), height, width, kernel[0]};
    if (residual.defined())
        call.require(residual.shape() == shape && residual.dtype() == input.dtype(),
                     "the residual must be shaped as the output, in the input's dtype");

    Tensor output = call.device().empty(shape, input.dtype());
    if (output.elements() == 0) return output;
    const Conv2dArgs args{ref(input),
                          weight.packed(),
                          ref(bias),
                          ref(residual),
                          ref(output),
                          static_cast<int32_t>(kernel[2]),
                          static_cast<int32_t>(kernel[3]),
                          options.stride,
                          options.stride,
                          padding.top,
                          padding.left,
                          padding.bottom,
                          padding.right,
                          options.dilation,
                          options.dilation};
    const double macs = static_cast<double>(output.elements()) *
                        static_cast<double>(kernel[1] * kernel[2] * kernel[3]);
    call.finish(call.table().conv2d(call.context(), &args),
                {classOf(weight, options), 2 * macs,
                 call.traffic(output) + static_cast<double>(weight.sizeBytes())});
    return output;
}

} // namespace kinora::kernels
