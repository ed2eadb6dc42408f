// From many elements to few. Bound by memory.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/reduce_cpu.cpp"
// clang-format off: before anything that is compiled once per instruction set
#include "kernels/base/rounding.h"
#include "kernels/cpu/simd_targets.h"
#include <hwy/foreach_target.h>
// clang-format on

#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/simd_blocks_inl.h"
#include "kernels/cpu/tensor_math.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Whether no element has all bits of `exponent` set.
template <class T> bool noneHasExponent(const T* values, int64_t count, T exponent) {
    const hn::ScalableTag<T> d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto mask = hn::Set(d, exponent);
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes)
        if (!hn::AllFalse(d, hn::Eq(hn::And(hn::LoadU(d, values + i), mask), mask))) return false;
    for (; i < count; ++i)
        if ((values[i] & exponent) == exponent) return false;
    return true;
}

void allFiniteAll(const Context& context, const FiniteArgs& args) {
    std::atomic<bool> finite{true};
    const TensorRef& input = args.input;
    parallelFor(context, elements(input), kGrain, [&](int64_t begin, int64_t end) {
        const int64_t count = end - begin;
        const void* from = elementAt(input, begin);
        bool fine = false;
        if (input.dtype == DType::F32)
            fine = noneHasExponent(static_cast<const uint32_t*>(from), count, 0x7f800000u);
        else
            fine = noneHasExponent(
                static_cast<const uint16_t*>(from), count,
                static_cast<uint16_t>(input.dtype == DType::BF16 ? 0x7f80 : 0x7c00));
        if (!fine) finite.store(false, std::memory_order_relaxed);
    });
    *args.allFinite = finite.load();
}

struct ValueOp {
    template <class D, class V> HWY_INLINE V operator()(D, V x) const { return x; }
};

struct SquaredDistanceOp {
    float center;
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        const V distance = hn::Sub(x, hn::Set(d, center));
        return hn::Mul(distance, distance);
    }
};

struct DistanceOp {
    float center;
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        return hn::Sub(x, hn::Set(d, center));
    }
};

// Distances are taken from the f32 nearest to the mean, and what that leaves out is corrected for.
Moments blockMoments(const float* values, size_t count) {
    const auto number = static_cast<double>(count);
    const auto center = static_cast<float>(sumBlock(values, count, ValueOp{}) / number);
    const double rest = sumBlock(values, count, DistanceOp{center}) / number;
    const double squares = sumBlock(values, count, SquaredDistanceOp{center});
    return {number, center + rest, squares - number * rest * rest};
}

void standardDeviationAll(const Context& context, const StandardDeviationArgs& args) {
    const int64_t items = args.input.dims[0], count = elements(args.input) / items;
    const auto* input = static_cast<const float*>(args.input.data);
    auto* output = static_cast<float*>(args.output.data);
    const auto block = static_cast<int64_t>(kBlock);
    const int64_t blocks = ceilDiv(count, block);
    std::vector<Moments> moments(static_cast<size_t>(items * blocks));
    parallelFor(context, items * blocks, rowGrain(block), [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
            const int64_t item = task / blocks, from = task % blocks * block;
            const auto size = static_cast<size_t>(std::min(block, count - from));
            moments[static_cast<size_t>(task)] = blockMoments(input + item * count + from, size);
        }
    });
    for (int64_t item = 0; item < items; ++item) {
        Moments whole;
        for (int64_t i = 0; i < blocks; ++i)
            whole.add(moments[static_cast<size_t>(item * blocks + i)]);
        output[item] = static_cast<float>(std::sqrt(whole.squares / (whole.count - 1)));
    }
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu {

HWY_EXPORT(allFiniteAll);
HWY_EXPORT(standardDeviationAll);

Status allFinite(Context* context, const FiniteArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(allFiniteAll)(*context, *args); });
}

Status standardDeviation(Context* context, const StandardDeviationArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(standardDeviationAll)(*context, *args); });
}

} // namespace kinora::kernels::cpu
#endif
