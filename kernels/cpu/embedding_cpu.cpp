// Rows of a table, and the sinusoids of timesteps. A few kilobytes each: plain C++.

#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/tensor_math.h"

#include <cmath>
#include <cstring>

namespace kinora::kernels::cpu {

Status embedding(Context* context, const EmbeddingArgs* args) {
    return guarded(context, [&] {
        const int64_t channels = args->table.dims[1];
        const size_t rowBytes = static_cast<size_t>(channels) * sizeBytes(args->table.dtype);
        const auto* indices = static_cast<const int32_t*>(args->indices.data);
        parallelFor(*context, args->indices.dims[0], rowGrain(channels),
                    [&](int64_t begin, int64_t end) {
                        for (int64_t row = begin; row < end; ++row)
                            std::memcpy(elementAt(args->output, row * channels),
                                        elementAt(args->table, indices[row] * channels), rowBytes);
                    });
    });
}

// Frequencies and angles are rounded to f32 where the reference rounds them: at timestep 999 the
// last bit of a frequency is worth 3e-5 of an angle.
Status timestepEmbedding(Context* context, const TimestepEmbeddingArgs* args) {
    return guarded(context, [&] {
        const int64_t channels = args->output.dims[1], half = channels / 2;
        const auto* timesteps = static_cast<const float*>(args->timesteps.data);
        auto* output = static_cast<float*>(args->output.data);
        const auto slope = static_cast<float>(-std::log(static_cast<double>(args->maxPeriod)));
        const float divisor = static_cast<float>(half) - args->frequencyShift;
        const int64_t cosines = args->flipSinToCos ? 0 : half;
        for (int64_t i = 0; i < half; ++i) {
            const float exponent = slope * static_cast<float>(i) / divisor;
            const auto frequency = static_cast<float>(std::exp(static_cast<double>(exponent)));
            for (int64_t row = 0; row < args->output.dims[0]; ++row) {
                const auto angle = static_cast<double>(timesteps[row] * frequency);
                float* out = output + row * channels + i;
                out[cosines] = static_cast<float>(std::cos(angle));
                out[half - cosines] = static_cast<float>(std::sin(angle));
            }
        }
        if (channels % 2)
            for (int64_t row = 0; row < args->output.dims[0]; ++row)
                output[row * channels + channels - 1] = 0;
    });
}

} // namespace kinora::kernels::cpu
