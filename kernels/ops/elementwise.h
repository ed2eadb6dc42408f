#pragma once
// Ops on each element: activations, gated units, arithmetic with broadcasting.

#include "kernels/backend/backend_table.h"
#include "kernels/tensor/tensor.h"

#include <span>

namespace kinora::kernels {

// Gelu is the exact one (erf), GeluTanh the tanh approximation, QuickGelu x * sigmoid(1.702 x),
// Mish x * tanh(ln(1 + e^x)) (Misra 2019).
Tensor activate(const Tensor& x, Activation activation);

// x [..., 2C] -> x[..., :C] * activation(x[..., C:]), [..., C].
// Source: Shazeer 2020, with the order of diffusers' GEGLU.
Tensor glu(const Tensor& x, Activation activation);
inline Tensor geglu(const Tensor& x) {
    return glu(x, Activation::Gelu);
}
inline Tensor swiglu(const Tensor& x) {
    return glu(x, Activation::Silu);
}

// Of equal rank; an extent of 1 on either side repeats. The result has a's dtype.
Tensor add(const Tensor& a, const Tensor& b);
Tensor subtract(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);
Tensor divide(const Tensor& a, const Tensor& b);
// a where it is not negative, a * slope where it is: one slope for all is LeakyReLU, one for each
// channel PReLU (He et al. 2015).
Tensor leakyRelu(const Tensor& a, const Tensor& slope);

// sum of coefficient * tensor over 1 to 8 terms of one shape, all f32; added up in double, in the
// order given. What schedulers are made of.
struct Term {
    double coefficient;
    Tensor tensor;
};
Tensor linearCombination(std::span<const Term> terms);
Tensor linearCombination(std::initializer_list<Term> terms);

// low <= high.
Tensor clamp(const Tensor& x, float low, float high);

// softmax(scale * x) over the last axis.
Tensor softmax(const Tensor& x, float scale = 1.0f);

} // namespace kinora::kernels
