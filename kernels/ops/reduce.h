#pragma once
// From many elements to few.

#include "kernels/tensor/tensor.h"

namespace kinora::kernels {

// Whether no element is NaN or infinite. Waits for the device. True on the meta back end.
bool allFinite(const Tensor& x);

// x [N, ...] f32 -> [N] f32, over all axes but the first, divided by n - 1 (torch.std).
Tensor standardDeviation(const Tensor& x);

} // namespace kinora::kernels
