#include "kernels/ops/reduce.h"

#include "kernels/ops/op_call.h"

namespace kinora::kernels {

bool allFinite(const Tensor& x) {
    const OpCall call("allFinite", {{"x", x}});
    call.requireComputeDtype(x);
    if (x.elements() == 0) return true;
    int32_t finite = 0;
    const FiniteArgs args{ref(x), &finite};
    call.finish(call.table().allFinite(call.context(), &args),
                {WorkClass::Memory, 0, static_cast<double>(x.sizeBytes())});
    call.device().check(call.table().synchronize(call.context()), "allFinite");
    return finite != 0;
}

Tensor standardDeviation(const Tensor& x) {
    const OpCall call("standardDeviation", {{"x", x}});
    call.require(x.dtype() == DType::F32 && x.shape().rank() >= 1, "x must be [N, ...] in f32");
    Tensor output = call.device().empty({x.dim(0)}, DType::F32);
    if (output.elements() == 0) return output;
    call.require(x.elements() / x.dim(0) >= 2, "two values are needed");
    const StandardDeviationArgs args{ref(x), ref(output)};
    call.finish(call.table().standardDeviation(call.context(), &args),
                {WorkClass::Memory, 3 * static_cast<double>(x.elements()), call.traffic(output)});
    return output;
}

} // namespace kinora::kernels
