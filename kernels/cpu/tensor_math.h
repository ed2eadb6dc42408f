#pragma once
// Counting elements of a TensorRef. Private to kernels/cpu.

#include "kernels/backend/backend_table.h"
#include "kernels/base/rounding.h"

namespace kinora::kernels::cpu {

// Work that is worth a thread of its own, in elements.
inline constexpr int64_t kGrain = 16384;

inline int64_t elements(const TensorRef& tensor) {
    int64_t count = 1;
    for (int axis = 0; axis < tensor.rank; ++axis) count *= tensor.dims[axis];
    return count;
}

inline int64_t lastExtent(const TensorRef& tensor) {
    return tensor.rank ? tensor.dims[tensor.rank - 1] : 1;
}

inline int64_t rowGrain(int64_t rowElements) {
    return rowElements >= kGrain ? 1 : ceilDiv(kGrain, rowElements);
}

inline void* elementAt(const TensorRef& tensor, int64_t index) {
    return static_cast<char*>(tensor.data) + index * static_cast<int64_t>(sizeBytes(tensor.dtype));
}

} // namespace kinora::kernels::cpu
