#pragma once
// Group norm with an activation after it, as torch.nn.GroupNorm.

#include "kernels/ops/norm.h"
#include "pipelines/weights/weights.h"

namespace kinora::pipelines {

struct GroupNorm {
    NormWeights weights;
    int groups;
    float epsilon;

    // Throws Error{BadFile} where groups do not divide channels.
    GroupNorm(const Weights& from, std::string_view name, int64_t channels, int64_t groups,
              float epsilon);

    // x [N, ..., channels] -> the same shape.
    kernels::Tensor operator()(const kernels::Tensor& x,
                               kernels::Activation activation = kernels::Activation::None) const;
};

} // namespace kinora::pipelines
