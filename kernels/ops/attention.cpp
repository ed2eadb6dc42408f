#include "kernels/ops/attention.h"

#include "kernels/ops/op_call.h"

#include <cmath>

namespace kinora::kernels {

namespace {

void checkShapes(const OpCall& call, const Tensor& query, const Tensor& key, const Tensor& value,
                 const Tensor& mask, const AttentionOptions& options) {
    call.requireComputeDtype(query);
    call.require(key.dtype() == query.dtype() && value.dtype() == query.dtype(),
                 "query, key and value must have one dtype");
    call.require(query.shape().rank() == 3 && key.shape().rank() == 3,
                 "query, key and value must be [N, L, channels]");
    call.require(key.shape() == value.shape(), "key and value must have one shape");
    call.require(key.dim(0) == query.dim(0) && key.dim(2) == query.dim(2),
                 "query and key must agree in batch and channels");
    call.require(key.dim(1) > 0, "there must be a key");
    call.require(options.heads >= 1 && query.dim(2) > 0 && query.dim(2) % options.heads == 0,
                 "the channels must be a multiple of the heads");
    if (!mask.defined()) return;
    call.require(mask.dtype() == DType::F32 && mask.shape().rank() == 3,
                 "the mask must be [1 or N, 1 or Lq, Lk] in f32");
    call.require((mask.dim(0) == 1 || mask.dim(0) == query.dim(0)) &&
                     (mask.dim(1) == 1 || mask.dim(1) == query.dim(1)) && mask.dim(2) == key.dim(1),
                 "the mask must be [1 or N, 1 or Lq, Lk] in f32");
}

} // namespace

Tensor attention(const Tensor& query, const Tensor& key, const Tensor& value,
                 const AttentionOptions& options, const Tensor& mask) {
    const OpCall call(
        "attention",
        {{"query", query}, {"key", key}, {"value", value}, {"mask", mask, Presence::Optional}});
    checkShapes(call, query, key, value, mask, options);

    Tensor output = call.device().empty(query.shape(), query.dtype());
    if (output.elements() == 0) return output;
    const auto headSize = static_cast<float>(query.dim(2) / options.heads);
    const float scale = options.scale != 0 ? options.scale : 1.0f / std::sqrt(headSize);
    const AttentionArgs args{ref(query),  ref(key),      ref(value), ref(mask),
                             ref(output), options.heads, scale,      options.causal == Causal::Yes};
    const double macs =
        2.0 * static_cast<double>(output.elements()) * static_cast<double>(key.dim(1));
    call.finish(call.table().attention(call.context(), &args),
                {WorkClass::Attention, 2 * macs, call.traffic(output)});
    return output;
}

} // namespace kinora::kernels
