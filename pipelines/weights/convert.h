#pragma once
// Between what files store and what computes, a block at a time on the host.

#include "kernels/tensor/dtype.h"

#include <cstddef>
#include <span>

namespace kinora::pipelines {

// Whether weights may be stored so. Integers are what a quantised model stores, beside scales that
// nobody here applies.
bool isFloatingPoint(kernels::DType dtype);

// stored: values.size() elements of dtype, little-endian, at any alignment.
void convertToFloat(kernels::DType dtype, const std::byte* stored, std::span<float> values);

// to: F32, BF16 or F16, rounded to nearest even; room for values.size() of them.
void convertFromFloat(std::span<const float> values, kernels::DType dtype, std::byte* to);

} // namespace kinora::pipelines
