// Resizing a picture's grid. Bound by memory.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/resample_cpu.cpp"
// clang-format off: before anything that is compiled once per instruction set
#include "kernels/cpu/simd_targets.h"
#include <hwy/foreach_target.h>
// clang-format on

#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/simd_blocks_inl.h"
#include "kernels/cpu/tensor_math.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

struct SumOp {
    template <class D, class V> HWY_INLINE V operator()(D, V a, V b) const { return hn::Add(a, b); }
};

struct QuarterOfSumOp {
    template <class D, class V> HWY_INLINE V operator()(D d, V a, V b) const {
        return hn::Mul(hn::Add(a, b), hn::Set(d, 0.25f));
    }
};

// Output pixel `to` from the 2x2 pixels whose first elements are at upper and lower.
void averagePixel(const AveragePoolArgs& args, int64_t upper, int64_t lower, int64_t to) {
    const int64_t channels = lastExtent(args.input);
    BlockBuffer left, right, top, bottom;
    for (int64_t c = 0; c < channels; c += kBlock) {
        const auto count = static_cast<size_t>(std::min<int64_t>(kBlock, channels - c));
        const float* a = loadBlock(args.input, upper + c, count, left.values);
        const float* b = loadBlock(args.input, upper + channels + c, count, right.values);
        mapBlock(a, b, top.values, count, SumOp{});
        a = loadBlock(args.input, lower + c, count, left.values);
        b = loadBlock(args.input, lower + channels + c, count, right.values);
        mapBlock(a, b, bottom.values, count, SumOp{});
        float* out = blockTarget(args.output, to + c, left.values);
        mapBlock(top.values, bottom.values, out, count, QuarterOfSumOp{});
        storeBlock(args.output, to + c, count, out);
    }
}

void averagePoolAll(const Context& context, const AveragePoolArgs& args) {
    const int64_t height = args.output.dims[1], width = args.output.dims[2];
    const int64_t inputHeight = args.input.dims[1], inputWidth = args.input.dims[2];
    const int64_t channels = lastExtent(args.input);
    const int64_t rows = args.output.dims[0] * height;
    parallelFor(context, rows, rowGrain(width * channels), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const int64_t inputRow = row / height * inputHeight + row % height * 2;
            for (int64_t x = 0; x < width; ++x) {
                const int64_t upper = (inputRow * inputWidth + 2 * x) * channels;
                averagePixel(args, upper, upper + inputWidth * channels,
                             (row * width + x) * channels);
            }
        }
    });
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu {

namespace {

// Which source each of `count` targets takes, rounded as PyTorch does: the ratio and the product
// are f32, which now and then comes out one below the exact quotient.
std::vector<int64_t> nearestSources(int64_t extent, int64_t count) {
    const float ratio = static_cast<float>(extent) / static_cast<float>(count);
    std::vector<int64_t> sources(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
        const auto source = static_cast<int64_t>(std::floor(static_cast<float>(i) * ratio));
        sources[static_cast<size_t>(i)] = std::min(source, extent - 1);
    }
    return sources;
}

} // namespace

HWY_EXPORT(averagePoolAll);

Status resizeNearest(Context* context, const ResizeNearestArgs* args) {
    return guarded(context, [&] {
        const int64_t inputHeight = args->input.dims[1], inputWidth = args->input.dims[2];
        const int64_t height = args->output.dims[1], width = args->output.dims[2];
        const std::vector<int64_t> ys = nearestSources(inputHeight, height);
        const std::vector<int64_t> xs = nearestSources(inputWidth, width);
        const int64_t channels = lastExtent(args->input);
        const size_t pixelBytes = static_cast<size_t>(channels) * sizeBytes(args->input.dtype);
        const int64_t rows = args->output.dims[0] * height;
        parallelFor(*context, rows, rowGrain(width * channels), [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row) {
                const int64_t source =
                    row / height * inputHeight + ys[static_cast<size_t>(row % height)];
                for (int64_t x = 0; x < width; ++x) {
                    const int64_t pixel = source * inputWidth + xs[static_cast<size_t>(x)];
                    std::memcpy(elementAt(args->output, (row * width + x) * channels),
                                elementAt(args->input, pixel * channels), pixelBytes);
                }
            }
        });
    });
}

Status averagePool(Context* context, const AveragePoolArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(averagePoolAll)(*context, *args); });
}

} // namespace kinora::kernels::cpu
#endif
