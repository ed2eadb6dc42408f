// Activations, gated units, arithmetic with broadcasting, sums of scaled tensors. All are bound by
// memory: each input is read once.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/elementwise_cpu.cpp"
// clang-format off: before anything that is compiled once per instruction set
#include "kernels/cpu/simd_targets.h"
#include <hwy/foreach_target.h>
// clang-format on

#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/simd_blocks_inl.h"
#include "kernels/cpu/tensor_math.h"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Runs body(first, count) over blocks of [0, count), on the context's threads.
template <class Body> void forBlocks(const Context& context, int64_t count, const Body& body) {
    parallelFor(context, count, kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t first = begin; first < end; first += kBlock)
            body(first, static_cast<size_t>(std::min<int64_t>(kBlock, end - first)));
    });
}

void activateSome(Activation activation, float* values, size_t count) {
    activateBlock(activation, values, values, count);
}

void activateAll(const Context& context, const ActivationArgs& args) {
    forBlocks(context, elements(args.input), [&](int64_t first, size_t count) {
        BlockBuffer buffer;
        const float* in = loadBlock(args.input, first, count, buffer.values);
        float* out = blockTarget(args.output, first, buffer.values);
        activateBlock(args.activation, in, out, count);
        storeBlock(args.output, first, count, out);
    });
}

struct ProductOp {
    template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Mul(a, b); }
};

void gateAll(const Context& context, const GluArgs& args) {
    const int64_t channels = lastExtent(args.output);
    const int64_t rows = elements(args.output) / channels;
    parallelFor(context, rows, rowGrain(channels), [&](int64_t begin, int64_t end) {
        BlockBuffer value, gate;
        for (int64_t row = begin; row < end; ++row)
            for (int64_t c = 0; c < channels; c += kBlock) {
                const auto count = static_cast<size_t>(std::min<int64_t>(kBlock, channels - c));
                const int64_t from = row * 2 * channels + c, to = row * channels + c;
                const float* left = loadBlock(args.input, from, count, value.values);
                const float* right = loadBlock(args.input, from + channels, count, gate.values);
                activateBlock(args.activation, right, gate.values, count);
                float* out = blockTarget(args.output, to, gate.values);
                mapBlock(left, gate.values, out, count, ProductOp{});
                storeBlock(args.output, to, count, out);
            }
    });
}

struct AddOp {
    template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Add(a, b); }
};
struct SubtractOp {
    template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Sub(a, b); }
};
struct DivideOp {
    template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Div(a, b); }
};
struct LeakyReluOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V a, V b) const {
        return hn::IfThenElse(hn::Lt(a, hn::Zero(d)), hn::Mul(a, b), a);
    }
};

void combine(BinaryOp op, const float* a, const float* b, float* out, size_t count) {
    switch (op) {
    case BinaryOp::Add: return mapBlock(a, b, out, count, AddOp{});
    case BinaryOp::Subtract: return mapBlock(a, b, out, count, SubtractOp{});
    case BinaryOp::Multiply: return mapBlock(a, b, out, count, ProductOp{});
    case BinaryOp::Divide: return mapBlock(a, b, out, count, DivideOp{});
    case BinaryOp::LeakyRelu: return mapBlock(a, b, out, count, LeakyReluOp{});
    }
}

// The axes of a broadcast operation, joined where neither side changes from repeating to not:
// innermost last, at least one.
struct BroadcastAxes {
    int count = 0;
    int64_t extents[kMaxRank];
    int64_t strideA[kMaxRank];
    int64_t strideB[kMaxRank];
};

BroadcastAxes broadcastAxes(const BinaryArgs& args) {
    BroadcastAxes axes;
    for (int axis = 0; axis < args.output.rank; ++axis) {
        const int64_t extent = args.output.dims[axis];
        if (extent == 1) continue;
        const bool repeatsA = args.a.dims[axis] == 1, repeatsB = args.b.dims[axis] == 1;
        const int last = axes.count - 1;
        if (last >= 0 && (axes.strideA[last] == 0) == repeatsA &&
            (axes.strideB[last] == 0) == repeatsB) {
            axes.extents[last] *= extent;
            continue;
        }
        axes.extents[axes.count] = extent;
        axes.strideA[axes.count] = !repeatsA;
        axes.strideB[axes.count] = !repeatsB;
        ++axes.count;
    }
    if (axes.count == 0) {
        axes.count = 1;
        axes.extents[0] = axes.strideA[0] = axes.strideB[0] = 1;
    }
    int64_t stepA = 1, stepB = 1;
    for (int axis = axes.count - 1; axis >= 0; --axis) {
        const bool movesA = axes.strideA[axis] != 0, movesB = axes.strideB[axis] != 0;
        axes.strideA[axis] = movesA ? stepA : 0;
        axes.strideB[axis] = movesB ? stepB : 0;
        if (movesA) stepA *= axes.extents[axis];
        if (movesB) stepB *= axes.extents[axis];
    }
    return axes;
}

// One operand's elements along the innermost axis; one value is repeated into the buffer.
const float* loadRun(const TensorRef& tensor, int64_t first, int64_t stride, size_t count,
                     float* buffer) {
    if (stride) return loadBlock(tensor, first, count, buffer);
    const float value = *loadBlock(tensor, first, 1, buffer);
    std::fill_n(buffer, count, value);
    return buffer;
}

void binaryAll(const Context& context, const BinaryArgs& args) {
    const BroadcastAxes axes = broadcastAxes(args);
    const int inner = axes.count - 1;
    const int64_t run = axes.extents[inner];
    parallelFor(context, elements(args.output), kGrain, [&](int64_t begin, int64_t end) {
        BlockBuffer left, right;
        for (int64_t first = begin; first < end;) {
            const int64_t position = first % run;
            int64_t rest = first / run;
            int64_t a = position * axes.strideA[inner], b = position * axes.strideB[inner];
            for (int axis = inner - 1; axis >= 0; --axis) {
                a += rest % axes.extents[axis] * axes.strideA[axis];
                b += rest % axes.extents[axis] * axes.strideB[axis];
                rest /= axes.extents[axis];
            }
            const auto count = static_cast<size_t>(
                std::min({static_cast<int64_t>(kBlock), run - position, end - first}));
            const float* x = loadRun(args.a, a, axes.strideA[inner], count, left.values);
            const float* y = loadRun(args.b, b, axes.strideB[inner], count, right.values);
            float* out = blockTarget(args.output, first, left.values);
            combine(args.op, x, y, out, count);
            storeBlock(args.output, first, count, out);
            first += static_cast<int64_t>(count);
        }
    });
}

// One element of each term per lane, added up in double.
void combineTerms(const LinearCombinationArgs& args, int64_t begin, int64_t end) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> df;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    float* out = static_cast<float*>(args.output.data);
    for (int64_t i = begin; i < end; i += lanes) {
        const auto count = static_cast<size_t>(std::min(lanes, end - i));
        const bool whole = count == static_cast<size_t>(lanes);
        auto sum = hn::Zero(d);
        for (int32_t term = 0; term < args.count; ++term) {
            const float* from = static_cast<const float*>(args.terms[term].data) + i;
            const auto values = whole ? hn::LoadU(df, from) : loadPart(df, from, count);
            sum = hn::MulAdd(hn::PromoteTo(d, values), hn::Set(d, args.coefficients[term]), sum);
        }
        const auto rounded = hn::DemoteTo(df, sum);
        if (whole)
            hn::StoreU(rounded, df, out + i);
        else
            storePart(df, rounded, out + i, count);
    }
}

void linearCombinationAll(const Context& context, const LinearCombinationArgs& args) {
    parallelFor(context, elements(args.output), kGrain,
                [&](int64_t begin, int64_t end) { combineTerms(args, begin, end); });
}

struct ClampOp {
    float low, high;
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        return clampedTo(d, x, low, high);
    }
};

void clampAll(const Context& context, const ClampArgs& args) {
    forBlocks(context, elements(args.input), [&](int64_t first, size_t count) {
        BlockBuffer buffer;
        const float* in = loadBlock(args.input, first, count, buffer.values);
        float* out = blockTarget(args.output, first, buffer.values);
        mapBlock(in, out, count, ClampOp{args.low, args.high});
        storeBlock(args.output, first, count, out);
    });
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu {

HWY_EXPORT(activateSome);
HWY_EXPORT(activateAll);
HWY_EXPORT(gateAll);
HWY_EXPORT(binaryAll);
HWY_EXPORT(linearCombinationAll);
HWY_EXPORT(clampAll);

void activateValues(Activation activation, float* values, size_t count) {
    HWY_DYNAMIC_DISPATCH(activateSome)(activation, values, count);
}

Status activate(Context* context, const ActivationArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(activateAll)(*context, *args); });
}

Status glu(Context* context, const GluArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(gateAll)(*context, *args); });
}

Status binary(Context* context, const BinaryArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(binaryAll)(*context, *args); });
}

Status linearCombination(Context* context, const LinearCombinationArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(linearCombinationAll)(*context, *args); });
}

Status clamp(Context* context, const ClampArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(clampAll)(*context, *args); });
}

} // namespace kinora::kernels::cpu
#endif
