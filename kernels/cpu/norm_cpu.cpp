// Group, layer and RMS norm, each fused with an activation. Bound by memory: group norm reads its
// input twice, the others once.
//
// No sum depends on the number of threads: a picture is cut into chunks by its size alone, and what
// the chunks found is put together in their order.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/norm_cpu.cpp"
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
#include <array>
#include <cmath>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Channels that are summed together; their sums stay in the first-level cache.
constexpr int64_t kStrip = 512;
// Positions added in f32 before their sum goes on in double.
constexpr int64_t kRowsAtOnce = 16;

using Strip = std::array<float, kStrip>;

// Sums over positions of one strip of channels, of the distance from a pivot near the mean: so that
// a large mean costs no digits.
struct StripSums {
    alignas(64) Strip pivot;
    alignas(64) std::array<double, kStrip> sum;
    alignas(64) std::array<double, kStrip> squares;
};

// Sums over `rowCount` positions, `pitch` elements apart, of the strip's first channels at `first`.
template <DType dtype>
void sumRows(const TensorRef& input, int64_t first, int64_t rowCount, size_t channels,
             const Strip& pivot, Strip& sum, Strip& squares) {
    const FloatTag d;
    const size_t lanes = hn::Lanes(d);
    const size_t pitch = static_cast<size_t>(lastExtent(input)) * sizeBytes(dtype);
    for (size_t c = 0; c < channels; c += lanes) {
        const size_t count = std::min(lanes, channels - c);
        const auto center = hn::LoadU(d, pivot.data() + c);
        auto total = hn::Zero(d), totalSquares = hn::Zero(d);
        const auto* row =
            static_cast<const char*>(elementAt(input, first + static_cast<int64_t>(c)));
        for (int64_t i = 0; i < rowCount; ++i, row += pitch) {
            const auto distance = hn::Sub(loadLanes<dtype>(d, row, count), center);
            total = hn::Add(total, distance);
            totalSquares = hn::MulAdd(distance, distance, totalSquares);
        }
        hn::StoreU(total, d, sum.data() + c);
        hn::StoreU(totalSquares, d, squares.data() + c);
    }
}

void addToDouble(const Strip& values, size_t channels, std::array<double, kStrip>& sums) {
    const hn::ScalableTag<double> d;
    const hn::Rebind<float, decltype(d)> df;
    // kStrip is a multiple of the lanes: what lies past `channels` is room that nobody reads.
    for (size_t c = 0; c < channels; c += hn::Lanes(d)) {
        const auto addend = hn::PromoteTo(d, hn::LoadU(df, values.data() + c));
        hn::StoreU(hn::Add(hn::LoadU(d, sums.data() + c), addend), d, sums.data() + c);
    }
}

// Reads positions [begin, end) of the strip that starts at `channel`.
template <DType dtype>
void sumStrip(const TensorRef& input, int64_t begin, int64_t end, int64_t channel, size_t channels,
              StripSums& sums) {
    const int64_t pitch = lastExtent(input);
    alignas(64) Strip total, squares;
    std::fill_n(sums.pivot.data(), kStrip, 0.0f);
    std::fill_n(sums.sum.data(), channels, 0.0);
    std::fill_n(sums.squares.data(), channels, 0.0);
    for (int64_t row = begin; row < end; row += kRowsAtOnce) {
        const int64_t count = std::min(kRowsAtOnce, end - row);
        const int64_t first = row * pitch + channel;
        if (row == begin) { // the mean of some positions is a good enough pivot
            const int64_t some = std::min<int64_t>(count, 4);
            sumRows<dtype>(input, first, some, channels, sums.pivot, total, squares);
            for (size_t c = 0; c < channels; ++c)
                sums.pivot[c] = total[c] / static_cast<float>(some);
        }
        sumRows<dtype>(input, first, count, channels, sums.pivot, total, squares);
        addToDouble(total, channels, sums.sum);
        addToDouble(squares, channels, sums.squares);
    }
}

void sumStripOf(const TensorRef& input, int64_t begin, int64_t end, int64_t channel,
                size_t channels, StripSums& sums) {
    switch (input.dtype) {
    case DType::BF16: return sumStrip<DType::BF16>(input, begin, end, channel, channels, sums);
    case DType::F16: return sumStrip<DType::F16>(input, begin, end, channel, channels, sums);
    default: return sumStrip<DType::F32>(input, begin, end, channel, channels, sums);
    }
}

// The moments of channels [begin, end) of a strip over `positions` positions.
Moments channelMoments(const StripSums& sums, size_t begin, size_t end, double positions) {
    const double inverse = 1.0 / positions;
    double mean = 0;
    for (size_t c = begin; c < end; ++c) mean += sums.pivot[c] + sums.sum[c] * inverse;
    mean /= static_cast<double>(end - begin);
    double squares = 0;
    for (size_t c = begin; c < end; ++c) {
        const double distance = sums.pivot[c] + sums.sum[c] * inverse - mean;
        squares += sums.squares[c] - sums.sum[c] * sums.sum[c] * inverse;
        squares += positions * distance * distance;
    }
    return {positions * static_cast<double>(end - begin), mean, squares};
}

// Positions [begin, end) of the flattened input, all of one item, into one Moments for each group.
void chunkMoments(const NormArgs& args, int64_t begin, int64_t end, Moments* groups) {
    const int64_t channels = lastExtent(args.input);
    const int64_t groupSize = channels / args.groups;
    StripSums sums;
    std::fill_n(groups, args.groups, Moments{});
    for (int64_t channel = 0; channel < channels; channel += kStrip) {
        const int64_t stripEnd = std::min(channel + kStrip, channels);
        sumStripOf(args.input, begin, end, channel, static_cast<size_t>(stripEnd - channel), sums);
        for (int64_t from = channel; from < stripEnd;) {
            const int64_t group = from / groupSize;
            const int64_t to = std::min(stripEnd, (group + 1) * groupSize);
            groups[group].add(channelMoments(sums, static_cast<size_t>(from - channel),
                                             static_cast<size_t>(to - channel),
                                             static_cast<double>(end - begin)));
            from = to;
        }
    }
}

// y = (x - mean) * factor + offset for each channel of one item, repeated over `repeat` positions
// so that few channels still make long runs. Taking the mean off first keeps the digits of values
// that are close together and far from 0.
struct ChannelFactors {
    std::vector<float> means, factors, offsets;

    explicit ChannelFactors(int64_t count)
        : means(static_cast<size_t>(count)), factors(means), offsets(means) {}

    void set(const NormArgs& args, const Moments* groups, int64_t first, int64_t repeat) {
        const int64_t channels = lastExtent(args.input);
        const int64_t groupSize = channels / args.groups;
        const auto* scale = static_cast<const float*>(args.scale.data);
        const auto* shift = static_cast<const float*>(args.shift.data);
        for (int64_t c = 0; c < channels; ++c) {
            const Moments& moments = groups[c / groupSize];
            const double factor = (scale ? scale[c] : 1.0) /
                                  std::sqrt(moments.squares / moments.count + args.epsilon);
            const auto at = static_cast<size_t>(first + c);
            means[at] = static_cast<float>(moments.mean);
            factors[at] = static_cast<float>(factor);
            // What the mean lost in rounding comes back here.
            offsets[at] =
                static_cast<float>((shift ? shift[c] : 0.0) + (means[at] - moments.mean) * factor);
        }
        for (std::vector<float>* values : {&means, &factors, &offsets})
            for (int64_t i = first + channels; i < first + repeat * channels; ++i)
                (*values)[static_cast<size_t>(i)] = (*values)[static_cast<size_t>(i - channels)];
    }
};

struct AffineOp {
    template <class D, class V> HWY_INLINE V operator()(D, V x, const V (&constants)[3]) const {
        return hn::MulAdd(hn::Sub(x, constants[0]), constants[1], constants[2]);
    }
};

// Elements [first, first + count) with the factors from `tile` on.
void applyFactors(const NormArgs& args, int64_t first, int64_t count, const ChannelFactors& factors,
                  int64_t tile) {
    BlockBuffer buffer;
    for (int64_t done = 0; done < count; done += kBlock) {
        const auto size = static_cast<size_t>(std::min<int64_t>(kBlock, count - done));
        const int64_t at = tile + done;
        const float* const constants[] = {factors.means.data() + at, factors.factors.data() + at,
                                          factors.offsets.data() + at};
        const float* in = loadBlock(args.input, first + done, size, buffer.values);
        float* out = blockTarget(args.output, first + done, buffer.values);
        mapBlock(in, constants, out, size, AffineOp{});
        activateBlock(args.activation, out, out, size);
        storeBlock(args.output, first + done, size, out);
    }
}

void groupNormAll(const Context& context, const NormArgs& args) {
    const int64_t items = args.input.dims[0], channels = lastExtent(args.input);
    const int64_t positions = elements(args.input) / items / channels;
    const int64_t chunkRows = std::max<int64_t>(32, (positions / 128 + 15) / 16 * 16);
    const int64_t chunks = ceilDiv(positions, chunkRows);
    const int64_t groups = args.groups;
    std::vector<Moments> moments(static_cast<size_t>(items * chunks * groups));
    parallelFor(context, items * chunks, rowGrain(chunkRows * channels),
                [&](int64_t begin, int64_t end) {
                    for (int64_t task = begin; task < end; ++task) {
                        const int64_t item = task / chunks, from = task % chunks * chunkRows;
                        const int64_t to = std::min(positions, from + chunkRows);
                        chunkMoments(args, item * positions + from, item * positions + to,
                                     moments.data() + task * groups);
                    }
                });

    const int64_t repeat = std::max<int64_t>(1, static_cast<int64_t>(kBlock) / channels);
    const int64_t tile = repeat * channels;
    ChannelFactors factors(items * tile);
    for (int64_t item = 0; item < items; ++item) {
        Moments* whole = moments.data() + item * chunks * groups;
        for (int64_t chunk = 1; chunk < chunks; ++chunk)
            for (int64_t group = 0; group < groups; ++group)
                whole[group].add(whole[chunk * groups + group]);
        factors.set(args, whole, item * tile, repeat);
    }

    const int64_t tiles = ceilDiv(positions, repeat);
    parallelFor(context, items * tiles, rowGrain(tile), [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
            const int64_t item = task / tiles, row = task % tiles * repeat;
            const int64_t rows = std::min(repeat, positions - row);
            applyFactors(args, (item * positions + row) * channels, rows * channels, factors,
                         item * tile);
        }
    });
}

struct IdentityOp {
    template <class D, class V> HWY_INLINE V operator()(D, V x) const { return x; }
};

struct SquaredDistanceOp {
    float center;
    template <class D, class V> HWY_INLINE V operator()(D d, V x) const {
        const V distance = hn::Sub(x, hn::Set(d, center));
        return hn::Mul(distance, distance);
    }
};

struct NormaliseOp {
    float mean, factor;
    template <class D, class V> HWY_INLINE V operator()(D d, V x, const V (&constants)[2]) const {
        const V unit = hn::Mul(hn::Sub(x, hn::Set(d, mean)), hn::Set(d, factor));
        return hn::MulAdd(unit, constants[0], constants[1]);
    }
};

// Adds op(x) up over one row.
template <class Op> double sumRow(const TensorRef& input, int64_t first, int64_t count, Op op) {
    BlockBuffer buffer;
    double sum = 0;
    for (int64_t done = 0; done < count; done += kBlock) {
        const auto size = static_cast<size_t>(std::min<int64_t>(kBlock, count - done));
        sum += sumBlock(loadBlock(input, first + done, size, buffer.values), size, op);
    }
    return sum;
}

struct Constants {
    BlockBuffer ones, zeros;
    Constants() {
        std::fill_n(ones.values, kBlock, 1.0f);
        std::fill_n(zeros.values, kBlock, 0.0f);
    }
};

void normaliseRow(const NormArgs& args, int64_t first, NormaliseOp op, const Constants& constants) {
    const int64_t channels = lastExtent(args.input);
    const auto* scale = static_cast<const float*>(args.scale.data);
    const auto* shift = static_cast<const float*>(args.shift.data);
    BlockBuffer buffer;
    for (int64_t done = 0; done < channels; done += kBlock) {
        const auto size = static_cast<size_t>(std::min<int64_t>(kBlock, channels - done));
        const float* in = loadBlock(args.input, first + done, size, buffer.values);
        float* out = blockTarget(args.output, first + done, buffer.values);
        const float* const factors[] = {scale ? scale + done : constants.ones.values,
                                        shift ? shift + done : constants.zeros.values};
        mapBlock(in, factors, out, size, op);
        activateBlock(args.activation, out, out, size);
        storeBlock(args.output, first + done, size, out);
    }
}

// centered: layer norm; otherwise RMS norm, whose mean counts as 0.
void normaliseRows(const Context& context, const NormArgs& args, bool centered) {
    const int64_t channels = lastExtent(args.input);
    const int64_t rows = elements(args.input) / channels;
    const Constants constants;
    parallelFor(context, rows, rowGrain(channels), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
            const int64_t first = row * channels;
            const auto count = static_cast<double>(channels);
            const auto mean = static_cast<float>(
                centered ? sumRow(args.input, first, channels, IdentityOp{}) / count : 0.0);
            const double squares = sumRow(args.input, first, channels, SquaredDistanceOp{mean});
            const double factor = 1.0 / std::sqrt(squares / count + args.epsilon);
            normaliseRow(args, first, {mean, static_cast<float>(factor)}, constants);
        }
    });
}

void layerNormAll(const Context& context, const NormArgs& args) {
    normaliseRows(context, args, true);
}

void rmsNormAll(const Context& context, const NormArgs& args) {
    normaliseRows(context, args, false);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu {

HWY_EXPORT(groupNormAll);
HWY_EXPORT(layerNormAll);
HWY_EXPORT(rmsNormAll);

Status groupNorm(Context* context, const NormArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(groupNormAll)(*context, *args); });
}

Status layerNorm(Context* context, const NormArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(layerNormAll)(*context, *args); });
}

Status rmsNorm(Context* context, const NormArgs* args) {
    return guarded(context, [&] { HWY_DYNAMIC_DISPATCH(rmsNormAll)(*context, *args); });
}

} // namespace kinora::kernels::cpu
#endif
