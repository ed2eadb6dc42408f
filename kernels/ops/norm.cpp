#include "kernels/ops/norm.h"

#include "kernels/ops/op_call.h"

namespace kinora::kernels {

namespace {

using NormEntry = Status (*)(Context*, const NormArgs*);

// Runs an entry whose operands have passed the checks that are its own.
Tensor normalise(const OpCall& call, NormEntry entry, const Tensor& x, const Tensor& scale,
                 const Tensor& shift, int groups, float epsilon, Activation activation) {
    call.requireComputeDtype(x);
    call.require(x.shape().last() > 0, "there must be a channel");
    call.require(epsilon >= 0, "epsilon must not be negative");
    call.requireChannelVector(scale, x.shape().last());
    call.requireChannelVector(shift, x.shape().last());
    Tensor output = call.device().empty(x.shape(), x.dtype());
    if (output.elements() == 0) return output;
    const NormArgs args{ref(x), ref(scale), ref(shift), ref(output), groups, epsilon, activation};
    constexpr double kOperationsPerElement = 6; // two sums, a product and an addition
    const double readAgain = groups > 0 ? static_cast<double>(x.sizeBytes()) : 0; // sums come first
    call.finish(entry(call.context(), &args),
                {WorkClass::Memory, kOperationsPerElement * static_cast<double>(x.elements()),
                 call.traffic(output) + readAgain});
    return output;
}

} // namespace

Tensor groupNorm(const Tensor& x, const Tensor& scale, const Tensor& shift, int groups,
                 float epsilon, Activation activation) {
    const OpCall call(
        "groupNorm",
        {{"x", x}, {"scale", scale, Presence::Optional}, {"shift", shift, Presence::Optional}});
    call.require(x.shape().rank() >= 2, "x must be [N, ..., C]");
    call.require(groups >= 1 && x.shape().last() % groups == 0,
                 "the channels must be a multiple of the groups");
    return normalise(call, call.table().groupNorm, x, scale, shift, groups, epsilon, activation);
}

Tensor layerNorm(const Tensor& x, const Tensor& scale, const Tensor& shift, float epsilon) {
    const OpCall call(
        "layerNorm",
        {{"x", x}, {"scale", scale, Presence::Optional}, {"shift", shift, Presence::Optional}});
    call.require(x.shape().rank() >= 1, "x must have an axis");
    return normalise(call, call.table().layerNorm, x, scale, shift, 0, epsilon, Activation::None);
}

Tensor rmsNorm(const Tensor& x, const Tensor& scale, float epsilon) {
    const OpCall call("rmsNorm", {{"x", x}, {"scale", scale, Presence::Optional}});
    call.require(x.shape().rank() >= 1, "x must have an axis");
    return normalise(call, call.table().rmsNorm, x, scale, {}, 0, epsilon, Activation::None);
}

} // namespace kinora::kernels
