#pragma once
// Convolution by Winograd's F(4x4, 3x3): a quarter of the multiplications (winograd_kernel.h), for
// transformed weights of four times the size. In f32 its largest error is some ten times that of
// direct convolution: 1e-5 of the largest value of the output, for uniform random operands.
//
// Which weights are kept for it is decided when they are packed, by their extents alone: every
// picture of every size is then computed this way, and one copy remains. The same bytes on any
// number of threads.

#include "kernels/cpu/packed_weight.h"

namespace kinora::kernels::cpu {

// Whether Winograd's way is the faster one for a weight that is used with this stride.
bool winogradPays(const PackedWeight& weight, int stride);

// Transforms plain kernels [outputs, inputs, 3, 3] into the weight's storage; where the device
// plans, only notes the size. Throws std::bad_alloc.
void packForWinograd(Context& context, PackedWeight& weight, const void* plain);

// conv2d with such a weight: stride 1, any padding, any dilation. Throws Cancelled,
// std::bad_alloc, and std::invalid_argument where the stride is another.
void convolveByWinograd(Context& context, const Conv2dArgs& args);

} // namespace kinora::kernels::cpu
