#pragma once
// Moving elements: joining, reordering, converting.

#include "kernels/tensor/tensor.h"

#include <initializer_list>
#include <span>

namespace kinora::kernels {

// Along the last axis; all other extents and the dtypes agree.
Tensor concat(std::span<const Tensor> parts);
Tensor concat(std::initializer_list<Tensor> parts);

// Along the first axis.
Tensor stack(std::span<const Tensor> parts);

// Output axis i is input axis order[i].
Tensor permute(const Tensor& x, std::initializer_list<int> order);
inline Tensor nchwToNhwc(const Tensor& x) {
    return permute(x, {0, 2, 3, 1});
}
inline Tensor nhwcToNchw(const Tensor& x) {
    return permute(x, {0, 3, 1, 2});
}

// A tensor of that dtype (F32, BF16 or F16) with the same values, rounded to nearest even; x itself
// where it has that dtype already. Reads any dtype.
Tensor convert(const Tensor& x, DType dtype);

// A copy with storage of its own.
Tensor clone(const Tensor& x);

} // namespace kinora::kernels
