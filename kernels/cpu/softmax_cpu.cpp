// Softmax over the last axis. Bound by memory: a row is read three times, from cache after the
// first.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/softmax_cpu.cpp"
// clang-format off: before anything that is compiled once per instruction set
#include "kernels/cpu/simd_targets.h"
#include <hwy/foreach_target.h>
// clang-format on

#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/simd_blocks_inl.h"
#include "kernels/cpu/tensor_math.h"

#include <algorithm>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// The largest of scale * in[i] and `largest`.
float largestOf(const float* in, size_t count, float scale, float largest) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    const auto factor = hn::Set(d, scale);
    auto most = hn::Set(d, largest);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        most = hn::Max(most, hn::Mul(hn::LoadU(d, in + i), factor));
    for (; i < count; ++i) largest = std::max(largest, in[i] * scale);
    return std::max(largest, hn::GetLane(hn::MaxOfLanes(d, most)));
}

struct RaisedOp { // e^(scale x - largest)
    float scale, largest;
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        const V scaled = hn::Mul(x, hn::Set(d, scale));
        return exponential(d, hn::Sub(scaled, hn::Set(d, largest)));
    }
};

struct ShareOp {
    RaisedOp raised;
    float inverse;
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        return hn::Mul(raised(d, x), hn::Set(d, inverse));
    }
};

// Calls body(first, count, f32 values) for the blocks of a row.
template <class Body>
void forRowBlocks(const TensorRef& input, int64_t first, int64_t count, const Body& body) {
    BlockBuffer buffer;
    for (int64_t done = 0; done < count; done += kBlock) {
        const auto size = static_cast<size_t>(std::min<int64_t>(kBlock, count - done));
        body(first + done, size, loadBlock(input, first + done, size, buffer.values));
    }
}

void softmaxRow(const SoftmaxArgs& args, int64_t first, int64_t count) {
    float largest = -std::numeric_limits<float>::infinity();
    forRowBlocks(args.input, first, count, [&](int64_t, size_t size, const float* in) {
        largest = largestOf(in, size, args.scale, largest);
    });
    const RaisedOp raised{args.scale, largest};
    double sum = 0;
    forRowBlocks(args.input, first, count,
                 [&](int64_t, size_t size, const float* in) { sum += sumBlock(in, size, raised); });
    const ShareOp share{raised, static_cast<float>(1.0 / sum)};
    forRowBlocks(args.input, first, count, [&](int64_t at, size_t size, const float* in) {
        BlockBuffer buffer;
        float* out = blockTarget(args.output, at, buffer.values);
        mapBlock(in, out, size, share);
        storeBlock(args.output, at, size, out);
    });
}

void softmaxAll(const Context& context, const SoftmaxArgs& args) {
    const int64_t columns = lastExtent(args.input);
    parallelFor(context, elements(args.input) / columns, rowGrain(columns),
                [&](int64_t begin, int64_t end) {
                    for (int64_t row = begin; row < end; ++row)
                        softmaxRow(args, row * columns, columns);
                });
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu {

HWY_EXPORT(softmaxAll);

Status softmax(Context* context, const SoftmaxArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(softmaxAll)(*context, *args); });
}

} // namespace kinora::kernels::cpu
#endif
