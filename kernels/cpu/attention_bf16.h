#pragma once
// Attention for processors that multiply bfloat16. Private to kernels/cpu.
//
// Products of bf16 numbers, summed in f32; the weights are rounded to bf16 before they meet the
// values, as the reference does. No masks, no causal order.

#include "kernels/cpu/attention_kernel.h"

namespace kinora::kernels::cpu {

// Null where this processor, or the limit on instruction sets, does not have what it needs.
const AttentionKernel* attentionBf16();

} // namespace kinora::kernels::cpu
