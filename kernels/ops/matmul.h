#pragma once
// Matrix products: by a packed weight, and of two tensors.

#include "kernels/backend/weight.h"
#include "kernels/tensor/tensor.h"

namespace kinora::kernels {

// input [..., I], weight [O, I], bias [O] f32 or undefined -> [..., O] in input's dtype:
// activation(input x weight^T + bias) + residual.
Tensor linear(const Tensor& input, const Weight& weight, const Tensor& bias = {},
              Activation activation = Activation::None, const Tensor& residual = {});

// The first half of linear's outputs times the activated second half: [..., O / 2]. As
// glu(linear()) (elementwise.h), without the wide tensor between them.
Tensor gatedLinear(const Tensor& input, const Weight& weight, const Tensor& bias,
                   Activation activation);

enum class Transpose { No, Yes };

// a [B,M,K], b [B,K,N] ([B,N,K] where b is transposed) -> scale * a x b, [B,M,N].
Tensor matmul(const Tensor& a, const Tensor& b, Transpose transposeB = Transpose::No,
              float scale = 1.0f);

} // namespace kinora::kernels
