#pragma once
// Winograd's convolution for large kernels, which are kept as they are and transformed as they are
// used: a small piece at a time, which stays in a core's cache while it multiplies. Private to
// kernels/cpu.
//
// The storage is [outputs / 32][inputs][9][32].

#include "kernels/cpu/packed_weight.h"

namespace kinora::kernels::cpu {

// Moves plain kernels [outputs, inputs, 3, 3] into the weight's storage; where the device plans,
// only notes the size. Throws std::bad_alloc.
void packPlainKernels(Context& context, PackedWeight& weight, const void* plain);

// conv2d with such a weight: stride 1, any padding, any dilation; the same bytes on any number of
// threads. Throws Cancelled, std::bad_alloc.
void convolveByPlainKernels(Context& context, const Conv2dArgs& args);

} // namespace kinora::kernels::cpu
