#include "kernels/ops/embedding.h"

#include "kernels/base/error.h"
#include "kernels/ops/op_call.h"

#include <string>

namespace kinora::kernels {

Tensor embedding(const Tensor& table, std::span<const int32_t> indices) {
    const OpCall call("embedding", {{"table", table}});
    call.requireComputeDtype(table);
    call.require(table.shape().rank() == 2, "the table must be [V, C]");
    for (const int32_t index : indices)
        if (index < 0 || index >= table.dim(0))
            throw Error(ErrorCode::InvalidArgument,
                        "embedding: index " + std::to_string(index) + " is outside a table of " +
                            std::to_string(table.dim(0)) + " rows.",
                        "The tokenizer does not belong to this text encoder.");

    const auto count = static_cast<int64_t>(indices.size());
    Tensor output = call.device().empty({count, table.dim(1)}, table.dtype());
    if (output.elements() == 0) return output;
    const Tensor rows = call.device().fromHost(indices.data(), {count}, DType::I32);
    const EmbeddingArgs args{ref(table), ref(rows), ref(output)};
    call.finish(call.table().embedding(call.context(), &args),
                {WorkClass::Memory, 0, 2 * static_cast<double>(output.sizeBytes())});
    return output;
}

Tensor timestepEmbedding(Device& device, std::span<const float> timesteps, int channels,
                         const TimestepEmbeddingOptions& options) {
    const auto count = static_cast<int64_t>(timesteps.size());
    const Tensor times = device.fromHost(timesteps.data(), {count}, DType::F32);
    const OpCall call("timestepEmbedding", {{"timesteps", times}});
    call.require(channels >= 1, "there must be a channel");
    call.require(options.maxPeriod > 0, "the longest period must be above 0");
    call.require(options.frequencyShift != static_cast<float>(channels / 2) || channels < 2,
                 "the frequency shift must not be half the channels");
    Tensor output = device.empty({count, channels}, DType::F32);
    if (output.elements() == 0) return output;
    const TimestepEmbeddingArgs args{ref(times), ref(output), options.flipSinToCos,
                                     options.frequencyShift, options.maxPeriod};
    constexpr double kOperationsPerElement = 40; // an exponential and a sine
    call.finish(call.table().timestepEmbedding(call.context(), &args),
                {WorkClass::Memory, kOperationsPerElement * static_cast<double>(output.elements()),
                 call.traffic(output)});
    return output;
}

} // namespace kinora::kernels
