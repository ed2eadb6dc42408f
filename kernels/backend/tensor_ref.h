#pragma once
// From a Tensor to the plain description of it that back ends take.

#include "kernels/backend/backend_table.h"
#include "kernels/tensor/tensor.h"

namespace kinora::kernels {

inline TensorRef ref(const Tensor& tensor) {
    TensorRef plain{tensor.data(), tensor.dtype(), tensor.shape().rank(), {}};
    for (int axis = 0; axis < plain.rank; ++axis) plain.dims[axis] = tensor.dim(axis);
    return plain;
}

} // namespace kinora::kernels
