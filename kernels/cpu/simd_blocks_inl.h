// Loops over blocks of elements: reading any compute dtype as f32, computing, writing it back. Ops
// work on at most kBlock elements at a time, so that the f32 in between stays in the first-level
// cache. Highway includes this file once for each instruction set.

#if defined(KINORA_KERNELS_CPU_SIMD_BLOCKS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef KINORA_KERNELS_CPU_SIMD_BLOCKS_INL_H
#undef KINORA_KERNELS_CPU_SIMD_BLOCKS_INL_H
#else
#define KINORA_KERNELS_CPU_SIMD_BLOCKS_INL_H
#endif

#include "kernels/backend/backend_table.h"
#include "kernels/cpu/simd_math_inl.h"

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {

inline constexpr size_t kBlock = 1024;

// Room for one block of f32.
struct alignas(64) BlockBuffer {
    float values[kBlock];
};

using FloatTag = hn::ScalableTag<float>;

template <class T, class D> HWY_INLINE hn::Vec<D> loadPart(D d, const T* from, size_t count) {
    T lanes[hn::MaxLanes(d)] = {};
    std::memcpy(lanes, from, count * sizeof(T));
    return hn::LoadU(d, lanes);
}

template <class T, class D> HWY_INLINE void storePart(D d, hn::Vec<D> vector, T* to, size_t count) {
    T lanes[hn::MaxLanes(d)];
    hn::StoreU(vector, d, lanes);
    std::memcpy(to, lanes, count * sizeof(T));
}

// out[i] = op(in[i]); in may be out.
template <class Op> void mapBlock(const float* in, float* out, size_t count, const Op& op) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) hn::StoreU(op(d, hn::LoadU(d, in + i)), d, out + i);
    if (i < count) storePart(d, op(d, loadPart(d, in + i, count - i)), out + i, count - i);
}

// out[i] = op(a[i], b[i]); out may be a or b.
template <class Op>
void mapBlock(const float* a, const float* b, float* out, size_t count, const Op& op) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        hn::StoreU(op(d, hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
    if (i == count) return;
    const size_t rest = count - i;
    storePart(d, op(d, loadPart(d, a + i, rest), loadPart(d, b + i, rest)), out + i, rest);
}

// out[i] = op(in[i], constants[k][i] for each k); out may be in.
template <class Op, size_t kCount>
void mapBlock(const float* in, const float* const (&constants)[kCount], float* out, size_t count,
              const Op& op) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    hn::Vec<FloatTag> values[kCount];
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        for (size_t k = 0; k < kCount; ++k) values[k] = hn::LoadU(d, constants[k] + i);
        hn::StoreU(op(d, hn::LoadU(d, in + i), values), d, out + i);
    }
    if (i == count) return;
    for (size_t k = 0; k < kCount; ++k) values[k] = loadPart(d, constants[k] + i, count - i);
    storePart(d, op(d, loadPart(d, in + i, count - i), values), out + i, count - i);
}

// The lanes of a vector, added up in double.
template <class V> HWY_INLINE double sumOfLanes(FloatTag d, V vector) {
    const hn::ScalableTag<double> wide;
    const hn::Rebind<float, decltype(wide)> narrow;
    float lanes[hn::MaxLanes(d)];
    hn::StoreU(vector, d, lanes);
    auto sum = hn::Zero(wide);
    for (size_t i = 0; i < hn::Lanes(d); i += hn::Lanes(wide))
        sum = hn::Add(sum, hn::PromoteTo(wide, hn::LoadU(narrow, lanes + i)));
    return hn::GetLane(hn::SumOfLanes(wide, sum));
}

// The sum of op(in[i]): lanes in f32 over the block, then in double, in a fixed order.
template <class Op> double sumBlock(const float* in, size_t count, const Op& op) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    auto even = hn::Zero(d), odd = hn::Zero(d);
    size_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        even = hn::Add(even, op(d, hn::LoadU(d, in + i)));
        odd = hn::Add(odd, op(d, hn::LoadU(d, in + i + lanes)));
    }
    for (; i < count; i += lanes) {
        const size_t rest = std::min(lanes, count - i);
        const auto last = op(d, loadPart(d, in + i, rest));
        even = hn::Add(even, hn::IfThenElseZero(hn::FirstN(d, rest), last));
    }
    return sumOfLanes(d, hn::Add(even, odd));
}

// Unsigned 32-bit lanes whose low halves hold the bits of bf16 or f16.
template <class DU, class VU> HWY_INLINE auto expandBf16(DU, VU bits) {
    const hn::Rebind<float, DU> d;
    return hn::BitCast(d, hn::ShiftLeft<16>(bits));
}

// Round to nearest even; a NaN becomes quiet.
template <class V> HWY_INLINE auto packBf16(FloatTag, V x) {
    const hn::RebindToUnsigned<FloatTag> du;
    const auto bits = hn::BitCast(du, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const auto rounded = hn::Add(hn::Add(bits, hn::Set(du, 0x7fff)), odd);
    const auto quiet = hn::Or(bits, hn::Set(du, 0x400000));
    const auto isNaN = hn::RebindMask(du, hn::IsNaN(x));
    return hn::ShiftRight<16>(hn::IfThenElse(isNaN, quiet, rounded));
}

// Scaling by 2^112 moves the exponent to where f32 has it and makes subnormals normal.
template <class DU, class VU> HWY_INLINE auto expandF16(DU du, VU bits) {
    const hn::Rebind<float, DU> d;
    const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(du, 0x8000)));
    const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(du, 0x7fff)));
    const auto scaled = hn::Mul(hn::BitCast(d, magnitude), hn::Set(d, 0x1p112f));
    const hn::RebindToSigned<DU> di;
    const auto special =
        hn::RebindMask(du, hn::Gt(hn::BitCast(di, magnitude), hn::Set(di, (0x7c00 << 13) - 1)));
    const auto top = hn::IfThenElseZero(special, hn::Set(du, 0x7f800000));
    return hn::BitCast(d, hn::Or(hn::Or(hn::BitCast(du, scaled), top), sign));
}

// Round to nearest even; beyond 65504 infinity. Adding 0.5 rounds what becomes subnormal, because
// the last place of 0.5 is worth 2^-24.
template <class V> HWY_INLINE auto packF16(FloatTag d, V x) {
    const hn::RebindToUnsigned<FloatTag> du;
    const hn::RebindToSigned<FloatTag> di;
    const auto bits = hn::BitCast(du, x);
    const auto sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000));
    const auto magnitude = hn::And(bits, hn::Set(du, 0x7fffffff));
    const auto above = [&](int32_t bound) HWY_ATTR {
        return hn::RebindMask(du, hn::Gt(hn::BitCast(di, magnitude), hn::Set(di, bound)));
    };
    const auto half = hn::Set(d, 0.5f);
    const auto subnormal =
        hn::Sub(hn::BitCast(du, hn::Add(hn::BitCast(d, magnitude), half)), hn::BitCast(du, half));
    const auto rebased = hn::Sub(magnitude, hn::Set(du, 0x38000000));
    const auto odd = hn::And(hn::ShiftRight<13>(rebased), hn::Set(du, 1));
    const auto normal = hn::ShiftRight<13>(hn::Add(hn::Add(rebased, hn::Set(du, 0xfff)), odd));
    auto packed = hn::IfThenElse(above(0x387fffff), normal, subnormal);
    packed = hn::IfThenElse(above(0x477fefff), hn::Set(du, 0x7c00), packed);
    packed = hn::IfThenElse(above(0x7f800000), hn::Set(du, 0x7e00), packed);
    return hn::Or(packed, sign);
}

template <DType dtype> HWY_INLINE auto load16(FloatTag, const uint16_t* from) {
    const hn::Rebind<uint16_t, FloatTag> d16;
    const hn::RebindToUnsigned<FloatTag> du;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
    if constexpr (dtype == DType::F16) {
        const hn::Rebind<hwy::float16_t, FloatTag> df16;
        return hn::PromoteTo(FloatTag(), hn::BitCast(df16, hn::LoadU(d16, from)));
    }
#endif
    const auto bits = hn::PromoteTo(du, hn::LoadU(d16, from));
    if constexpr (dtype == DType::F16)
        return expandF16(du, bits);
    else
        return expandBf16(du, bits);
}

template <DType dtype, class V> HWY_INLINE void store16(FloatTag d, V x, uint16_t* to) {
    const hn::Rebind<uint16_t, FloatTag> d16;
    const hn::RebindToSigned<FloatTag> di;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
    if constexpr (dtype == DType::F16) {
        const hn::Rebind<hwy::float16_t, FloatTag> df16;
        hn::StoreU(hn::BitCast(d16, hn::DemoteTo(df16, x)), d16, to);
        return;
    }
#endif
    if constexpr (dtype == DType::F16)
        hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, packF16(d, x))), d16, to);
    else
        hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, packBf16(d, x))), d16, to);
}

// `count` elements, at most a vector of them, as f32; the other lanes are 0.
template <DType dtype> HWY_INLINE auto loadLanes(FloatTag d, const void* from, size_t count) {
    const bool whole = count == hn::Lanes(d);
    if constexpr (dtype == DType::F32) {
        const auto* values = static_cast<const float*>(from);
        return whole ? hn::LoadU(d, values) : loadPart(d, values, count);
    } else {
        const auto* bits = static_cast<const uint16_t*>(from);
        if (whole) return load16<dtype>(d, bits);
        uint16_t rest[hn::MaxLanes(d)] = {};
        std::memcpy(rest, bits, count * sizeof *rest);
        return load16<dtype>(d, rest);
    }
}

template <DType dtype> void load16Block(const uint16_t* from, float* to, size_t count) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) hn::StoreU(load16<dtype>(d, from + i), d, to + i);
    if (i == count) return;
    uint16_t rest[hn::MaxLanes(d)] = {};
    std::memcpy(rest, from + i, (count - i) * sizeof *rest);
    storePart(d, load16<dtype>(d, rest), to + i, count - i);
}

template <DType dtype> void store16Block(const float* from, uint16_t* to, size_t count) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) store16<dtype>(d, hn::LoadU(d, from + i), to + i);
    if (i == count) return;
    uint16_t rest[hn::MaxLanes(d)];
    store16<dtype>(d, loadPart(d, from + i, count - i), rest);
    std::memcpy(to + i, rest, (count - i) * sizeof *rest);
}

// `count` elements of an F32, BF16 or F16 tensor from element `first` on: where they lie if they
// are f32 already, else converted into the buffer, which has room for them.
inline const float* loadBlock(const TensorRef& tensor, int64_t first, size_t count, float* buffer) {
    if (tensor.dtype == DType::F32) return static_cast<const float*>(tensor.data) + first;
    const uint16_t* from = static_cast<const uint16_t*>(tensor.data) + first;
    if (tensor.dtype == DType::BF16)
        load16Block<DType::BF16>(from, buffer, count);
    else
        load16Block<DType::F16>(from, buffer, count);
    return buffer;
}

// Where to compute the f32 of a block: in the tensor itself if it is f32, else in the buffer.
inline float* blockTarget(const TensorRef& tensor, int64_t first, float* buffer) {
    return tensor.dtype == DType::F32 ? static_cast<float*>(tensor.data) + first : buffer;
}

// Writes what was computed at blockTarget().
inline void storeBlock(const TensorRef& tensor, int64_t first, size_t count, const float* values) {
    if (tensor.dtype == DType::F32) return;
    uint16_t* to = static_cast<uint16_t*>(tensor.data) + first;
    if (tensor.dtype == DType::BF16)
        store16Block<DType::BF16>(values, to, count);
    else
        store16Block<DType::F16>(values, to, count);
}

// out may be in.
inline void activateBlock(Activation activation, const float* in, float* out, size_t count) {
    switch (activation) {
    case Activation::None:
        if (in != out) std::memcpy(out, in, count * sizeof *out);
        return;
    case Activation::Silu: return mapBlock(in, out, count, SiluOp{});
    case Activation::Gelu: return mapBlock(in, out, count, GeluOp{});
    case Activation::GeluTanh: return mapBlock(in, out, count, GeluTanhOp{});
    case Activation::QuickGelu: return mapBlock(in, out, count, QuickGeluOp{});
    case Activation::Relu: return mapBlock(in, out, count, ReluOp{});
    case Activation::Sigmoid: return mapBlock(in, out, count, SigmoidOp{});
    case Activation::Tanh: return mapBlock(in, out, count, TanhOp{});
    case Activation::Mish: return mapBlock(in, out, count, MishOp{});
    }
}

} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif
