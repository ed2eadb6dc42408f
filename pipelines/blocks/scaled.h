#pragma once
// A tensor times a number.

#include "kernels/backend/device.h"
#include "kernels/ops/elementwise.h"

namespace kinora::pipelines {

// x [N,H,W,C], of x's dtype; x itself where the factor is 1.
inline kernels::Tensor scaled(const kernels::Tensor& x, double factor) {
    if (factor == 1) return x;
    const auto value = static_cast<float>(factor);
    return kernels::multiply(x, x.device().fromHost(&value, {1, 1, 1, 1}, kernels::DType::F32));
}

} // namespace kinora::pipelines
