#pragma once
// What FreeU does at one level of a denoiser's way up. Private to this folder.
// Source: Si et al. 2023; the numbers of diffusers' enable_freeu, whose filter cuts the two lowest
// frequencies of each side, of which it takes one sign.

#include "kernels/tensor/tensor.h"
#include "pipelines/request/free_u.h"

#include <cstddef>
#include <optional>

namespace kinora::pipelines {

struct FreeUStage {
    float backbone = 1, skip = 1;
};

// level: 0 the first block of the way up. nullopt where FreeU leaves it as it is.
std::optional<FreeUStage> freeUStage(const std::optional<FreeU>& freeU, size_t level);

// x [N,H,W,C] -> the first half of its channels times factor.
kernels::Tensor scaleFirstHalf(const kernels::Tensor& x, float factor);

// x [N,H,W,C] -> its frequencies 0 and -1 along both axes times factor, in x's dtype; computed in
// f32. It is a projection on the waves of those four, which needs no transform of all.
kernels::Tensor scaleLowFrequencies(const kernels::Tensor& x, float factor);

} // namespace kinora::pipelines
