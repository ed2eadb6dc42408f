#pragma once
// Convolution by Winograd's F(4x4, 3x3): a quarter of the multiplications (winograd_kernel.h). In
// f32 its largest error is some ten times that of direct convolution: 1e-5 of the largest value of
// the output, for uniform random operands.
//
// Which weights are kept for it is decided when they are packed, by their extents alone: every
// picture of every size is then computed this way, and one copy remains, transformed (four times as
// large) or plain, to be transformed as it is used. The same bytes on any number of threads.

#include "kernels/cpu/packed_weight.h"

#include <optional>

namespace kinora::kernels::cpu {

// Winograd or WinogradPlain where that is the faster way for a weight used with this stride.
std::optional<WeightForm> winogradForm(const PackedWeight& weight, int stride);

// Brings plain kernels [outputs, inputs, 3, 3] into the weight's storage in one of these forms;
// where the device plans, only notes the size. Throws std::bad_alloc.
void packForWinograd(Context& context, PackedWeight& weight, WeightForm form, const void* plain);

// conv2d with such a weight: stride 1, any padding, any dilation. Throws Cancelled,
// std::bad_alloc, and std::invalid_argument where the stride is another.
void convolveByWinograd(Context& context, const Conv2dArgs& args);

} // namespace kinora::kernels::cpu
