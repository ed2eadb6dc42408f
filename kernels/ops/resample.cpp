#include "kernels/ops/resample.h"

#include "kernels/ops/op_call.h"

namespace kinora::kernels {

Tensor resizeNearest(const Tensor& x, int64_t height, int64_t width) {
    const OpCall call("resizeNearest", {{"x", x}});
    call.requireComputeDtype(x);
    call.require(x.shape().rank() == 4, "x must be [N, H, W, C]");
    call.require(height > 0 && width > 0, "the new size must be at least 1x1");
    call.require(x.dim(1) > 0 && x.dim(2) > 0, "there must be a pixel to take");
    Tensor output = call.device().empty({x.dim(0), height, width, x.dim(3)}, x.dtype());
    if (output.elements() == 0) return output;
    const ResizeNearestArgs args{ref(x), ref(output)};
    call.finish(call.table().resizeNearest(call.context(), &args),
                {WorkClass::Memory, 0, call.traffic(output)});
    return output;
}

Tensor averagePool2x2(const Tensor& x) {
    const OpCall call("averagePool2x2", {{"x", x}});
    call.requireComputeDtype(x);
    call.require(x.shape().rank() == 4, "x must be [N, H, W, C]");
    Tensor output =
        call.device().empty({x.dim(0), x.dim(1) / 2, x.dim(2) / 2, x.dim(3)}, x.dtype());
    if (output.elements() == 0) return output;
    const AveragePoolArgs args{ref(x), ref(output)};
    call.finish(
        call.table().averagePool(call.context(), &args),
        {WorkClass::Memory, 4 * static_cast<double>(output.elements()), call.traffic(output)});
    return output;
}

} // namespace kinora::kernels
