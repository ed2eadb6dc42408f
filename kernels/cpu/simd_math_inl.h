// Exponential, error function, tanh and the activations on vectors of f32, for whichever
// instruction set is being compiled: Highway includes this file once for each. Every function works
// on each lane alone, so that a value does not depend on where in a tensor it stands, and keeps
// NaN.
//
// The polynomials were fitted for the least relative error; their coefficients follow from the
// formula and the interval that stand beside them.

#if defined(KINORA_KERNELS_CPU_SIMD_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef KINORA_KERNELS_CPU_SIMD_MATH_INL_H
#undef KINORA_KERNELS_CPU_SIMD_MATH_INL_H
#else
#define KINORA_KERNELS_CPU_SIMD_MATH_INL_H
#endif

#include "kernels/backend/backend_table.h"

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The polynomial with these coefficients, constant term first, by Horner's rule.
template <class D, class V, size_t kCount>
HWY_INLINE V polynomial(D d, V x, const float (&coefficients)[kCount]) {
    V sum = hn::Set(d, coefficients[kCount - 1]);
    for (size_t i = kCount - 1; i-- > 0;) sum = hn::MulAdd(sum, x, hn::Set(d, coefficients[i]));
    return sum;
}

// x where it lies in [low, high], else the nearer bound; NaN stays NaN.
template <class D, class V> HWY_INLINE V clampedTo(D d, V x, float low, float high) {
    const V bottom = hn::Set(d, low), top = hn::Set(d, high);
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR
    return hn::Max(bottom, hn::Min(top, x)); // these instructions return the second of a NaN
#else
    const V raised = hn::IfThenElse(hn::Lt(x, bottom), bottom, x);
    return hn::IfThenElse(hn::Gt(raised, top), top, raised);
#endif
}

// e^x within 2e-7 of the value; 0 below -87.3, infinite above 88.4. x = n ln 2 + r, e^r = 1 + r +
// r^2 P(r) on |r| <= ln(2) / 2.
template <class D, class V> HWY_INLINE V exponential(D d, V x) {
    constexpr float kLowest = -87.3f, kHighest = 89.0f;
    constexpr float kP[] = {0.49999994f, 0.1666652f, 0.041668393f, 0.008368781f, 0.0013814465f};
    // Adding this rounds to an integer, which then stands in the lowest bits of the sum.
    const V shifter = hn::Set(d, 0x1.8p23f);
    const hn::RebindToSigned<D> di;
    const V clamped = clampedTo(d, x, kLowest, kHighest);
    const V shifted = hn::MulAdd(clamped, hn::Set(d, 1.44269504f), shifter);
    const V n = hn::Sub(shifted, shifter);
    // ln 2 in two parts; the first has so few digits that n times it is exact.
    V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), clamped);
    r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
    const V power = hn::Add(hn::MulAdd(hn::Mul(r, r), polynomial(d, r, kP), r), hn::Set(d, 1.0f));
    // n = 128 makes this the bits of infinity.
    const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::BitCast(di, shifted), hn::Set(di, 127)));
    const V value = hn::Mul(power, hn::BitCast(d, exponent));
    return hn::IfThenElse(hn::Lt(x, hn::Set(d, kLowest)), hn::Zero(d), value);
}

// The complement of the error function, within 1e-6 of the value while it exceeds 1e-30:
// erfc(z) = e^(-z^2) t Q(t), t = 1 / (1 + 0.47047 z), for z in [0, 9.5], and erfc(-z) = 2 -
// erfc(z). Source: the form of Hastings 1955 (Abramowitz and Stegun 7.1.26), with nine terms.
template <class D, class V> HWY_INLINE V complementaryError(D d, V x) {
    constexpr float kQ[] = {0.2653773042f,  0.2667191305f,  0.2237482455f,
                            0.2428657280f,  -0.1135866506f, 0.4486407314f,
                            -0.5486474369f, 0.2604352718f,  -0.0455522814f};
    const V one = hn::Set(d, 1.0f);
    const V z = hn::Abs(x);
    const V t = hn::Div(one, hn::MulAdd(z, hn::Set(d, 0.47047f), one));
    const V decay = exponential(d, hn::Neg(hn::Mul(z, z)));
    const V tail = hn::Mul(hn::Mul(decay, t), polynomial(d, t, kQ));
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Sub(hn::Set(d, 2.0f), tail), tail);
}

template <class D, class V> HWY_INLINE V sigmoid(D d, V x) {
    const V one = hn::Set(d, 1.0f);
    return hn::Div(one, hn::Add(one, exponential(d, hn::Neg(x))));
}

// x * sigmoid(scale * x)
template <class D, class V> HWY_INLINE V timesSigmoid(D d, V x, V argument) {
    return hn::Div(x, hn::Add(hn::Set(d, 1.0f), exponential(d, hn::Neg(argument))));
}

// Below 0.625 the odd polynomial x + x^3 T(x^2), above it 1 - 2 / (e^(2|x|) + 1).
template <class D, class V> HWY_INLINE V hyperbolicTangent(D d, V x) {
    constexpr float kT[] = {-0.3333328194f, 0.1333144216f, -0.0537397122f, 0.0206390787f,
                            -0.0057049784f};
    const V magnitude = hn::Abs(x);
    const V square = hn::Mul(x, x);
    const V inner = hn::MulAdd(hn::Mul(square, x), polynomial(d, square, kT), x);
    const V one = hn::Set(d, 1.0f);
    const V raised = exponential(d, hn::Add(magnitude, magnitude));
    const V outer = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(raised, one)));
    return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), inner, hn::CopySign(outer, x));
}

struct SiluOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        return timesSigmoid(d, x, x);
    }
};

struct GeluOp { // x/2 erfc(-x / sqrt 2): no cancellation on either side
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        const V tail = complementaryError(d, hn::Mul(x, hn::Set(d, -0.707106781f)));
        return hn::Mul(hn::Mul(x, hn::Set(d, 0.5f)), tail);
    }
};

struct GeluTanhOp { // x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        const V cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715f), hn::Set(d, 1.0f));
        return timesSigmoid(d, x, hn::Mul(hn::Mul(x, hn::Set(d, 1.595769122f)), cubic));
    }
};

struct QuickGeluOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        return timesSigmoid(d, x, hn::Mul(x, hn::Set(d, 1.702f)));
    }
};

struct ReluOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
    }
};

struct SigmoidOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const { return sigmoid(d, x); }
};

struct TanhOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        return hyperbolicTangent(d, x);
    }
};

// x tanh(ln(1 + e)), e = e^x, is x n / (n + 2) with n = e (e + 2): no logarithm, no cancellation.
// Above 20 the fraction is one.
struct MishOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        const V two = hn::Set(d, 2.0f);
        const V e = exponential(d, hn::Min(x, hn::Set(d, 20.0f)));
        const V n = hn::Mul(e, hn::Add(e, two));
        return hn::Mul(x, hn::Div(n, hn::Add(n, two)));
    }
};

} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
