#pragma once
// Values that are not numbers end a run: a picture made of them would be black or noise.

#include "kernels/tensor/tensor.h"

#include <string>

namespace kinora::pipelines {

// part: how the message begins, "The text encoder". compute: the precision that it ran in. Throws
// Error{NonFinite}.
void checkFinite(const kernels::Tensor& values, const std::string& part, kernels::DType compute);

} // namespace kinora::pipelines
