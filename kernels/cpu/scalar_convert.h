#pragma once
// Reading the dtypes that only files store. Private to kernels/cpu.

#include "kernels/tensor/dtype.h"

#include <cstddef>

namespace kinora::kernels::cpu {

using ScalarReader = void (*)(const void* from, size_t count, float* to);

// Converts elements of `from` to f32 on their way to `target`: rounded to nearest even where that
// is F32; else to odd, after which rounding to 16 bits gives what one rounding would have given.
// Source: Boldo and Melquiond 2008. Throws Error{Internal} for F32, BF16 and F16 themselves.
ScalarReader scalarReader(DType from, DType target);

} // namespace kinora::kernels::cpu
