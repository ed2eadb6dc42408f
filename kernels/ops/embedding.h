#pragma once
// Turning indices and times into vectors.

#include "kernels/tensor/tensor.h"

#include <span>

namespace kinora::kernels {

// table [V,C], indices each in [0,V) -> [n,C] in table's dtype. Throws Error{InvalidArgument} on an
// index outside the table.
Tensor embedding(const Tensor& table, std::span<const int32_t> indices);

struct TimestepEmbeddingOptions {
    bool flipSinToCos = true; // cosines first
    float frequencyShift = 0; // diffusers' downscale_freq_shift
    float maxPeriod = 10000;
};

// One row of `channels` f32 for each timestep. Source: Ho et al. 2020, as diffusers'
// get_timestep_embedding; an odd channel count is padded with a zero.
Tensor timestepEmbedding(class Device& device, std::span<const float> timesteps, int channels,
                         const TimestepEmbeddingOptions& options = {});

} // namespace kinora::kernels
