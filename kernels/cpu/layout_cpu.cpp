// Joining, reordering and converting elements. Bound by memory: each element is read and written
// once.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layout_cpu.cpp"
// clang-format off: before anything that is compiled once per instruction set
#include "kernels/base/rounding.h"
#include "kernels/cpu/simd_targets.h"
#include <hwy/foreach_target.h>
// clang-format on

#include "kernels/cpu/cpu_context.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/scalar_convert.h"
#include "kernels/cpu/simd_blocks_inl.h"
#include "kernels/cpu/tensor_math.h"

#include <algorithm>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace kinora::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

bool isComputeDtype(DType dtype) {
    return dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::F16;
}

// Converts by way of f32; what is not a compute dtype is read one element at a time, in such a way
// that a second rounding to 16 bits changes nothing.
void convertAll(const Context& context, const CopyArgs& args) {
    const bool direct = isComputeDtype(args.input.dtype);
    const ScalarReader read = direct ? nullptr : scalarReader(args.input.dtype, args.output.dtype);
    parallelFor(context, elements(args.input), kGrain, [&](int64_t begin, int64_t end) {
        BlockBuffer buffer;
        for (int64_t first = begin; first < end; first += kBlock) {
            const auto count = static_cast<size_t>(std::min<int64_t>(kBlock, end - first));
            float* out = blockTarget(args.output, first, buffer.values);
            const float* values = out;
            if (direct)
                values = loadBlock(args.input, first, count, out);
            else
                read(elementAt(args.input, first), count, out);
            storeBlock(args.output, first, count, values);
        }
    });
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace kinora::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace kinora::kernels::cpu {

HWY_EXPORT(convertAll);

Status copy(Context* context, const CopyArgs* args) {
    return guarded(context, [&] {
        if (args->input.dtype != args->output.dtype) {
            HWY_DYNAMIC_DISPATCH(convertAll)(*context, *args);
            return;
        }
        const auto size = static_cast<int64_t>(sizeBytes(args->input.dtype));
        parallelFor(*context, elements(args->input), kGrain, [&](int64_t begin, int64_t end) {
            std::memcpy(elementAt(args->output, begin), elementAt(args->input, begin),
                        static_cast<size_t>((end - begin) * size));
        });
    });
}

Status concat(Context* context, const ConcatArgs* args) {
    return guarded(context, [&] {
        const int64_t channels = lastExtent(args->output);
        const int64_t rows = elements(args->output) / channels;
        const size_t size = sizeBytes(args->output.dtype);
        parallelFor(*context, rows, rowGrain(channels), [&](int64_t begin, int64_t end) {
            for (int64_t row = begin; row < end; ++row) {
                auto* out = static_cast<char*>(elementAt(args->output, row * channels));
                for (int32_t part = 0; part < args->count; ++part) {
                    const int64_t width = lastExtent(args->parts[part]);
                    const size_t bytes = static_cast<size_t>(width) * size;
                    if (bytes) std::memcpy(out, elementAt(args->parts[part], row * width), bytes);
                    out += bytes;
                }
            }
        });
    });
}

namespace {

// The axes of a permutation in the output's order, without those of extent 1 and with those that
// stay neighbours joined.
struct PermutedAxes {
    int count = 0;
    int64_t extents[kMaxRank];
    int64_t strides[kMaxRank]; // of the input, in elements
};

PermutedAxes permutedAxes(const PermuteArgs& args) {
    int64_t strides[kMaxRank];
    int64_t step = 1;
    for (int axis = args.input.rank - 1; axis >= 0; --axis) {
        strides[axis] = step;
        step *= args.input.dims[axis];
    }
    PermutedAxes axes;
    for (int axis = 0; axis < args.output.rank; ++axis) {
        const int64_t extent = args.output.dims[axis];
        const int64_t stride = strides[args.order[axis]];
        if (extent == 1) continue;
        const int last = axes.count - 1;
        if (last >= 0 && axes.strides[last] == stride * extent) {
            axes.extents[last] *= extent;
            axes.strides[last] = stride;
            continue;
        }
        axes.extents[axes.count] = extent;
        axes.strides[axes.count++] = stride;
    }
    if (axes.count == 0) axes = {1, {1}, {1}};
    return axes;
}

// A tile of a transposition: out[r][c] = in[c][r].
constexpr int64_t kTile = 32;

template <class T>
void transposeTile(const T* in, int64_t inPitch, T* out, int64_t outPitch, int64_t rows,
                   int64_t columns) {
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column)
            out[row * outPitch + column] = in[column * inPitch + row];
}

template <class T> class Permutation {
  public:
    explicit Permutation(const PermuteArgs& args)
        : m_axes(permutedAxes(args)), m_in(static_cast<const T*>(args.input.data)),
          m_out(static_cast<T*>(args.output.data)) {
        int64_t step = 1;
        for (int axis = m_axes.count - 1; axis >= 0; --axis) {
            m_outStrides[axis] = step;
            step *= m_axes.extents[axis];
            // The input's innermost axis; the last axis itself where rows stay rows.
            if (m_axes.strides[axis] == 1) m_unit = axis;
        }
    }

    void run(const Context& context) const {
        const int last = m_axes.count - 1;
        const int64_t width = m_axes.extents[last];
        const int64_t height = m_unit == last ? 1 : m_axes.extents[m_unit];
        const int64_t bands = ceilDiv(height, kTile);
        int64_t outer = 1;
        for (int axis = 0; axis < last; ++axis)
            if (axis != m_unit) outer *= m_axes.extents[axis];
        const int64_t bandElements = std::min(height, kTile) * width;
        parallelFor(context, outer * bands, rowGrain(bandElements),
                    [&](int64_t begin, int64_t end) {
                        for (int64_t task = begin; task < end; ++task)
                            copyBand(task / bands, task % bands * kTile, height, width);
                    });
    }

  private:
    void copyBand(int64_t outer, int64_t row, int64_t height, int64_t width) const {
        const int last = m_axes.count - 1;
        int64_t in = 0, out = 0;
        for (int axis = last - 1; axis >= 0; --axis) {
            if (axis == m_unit) continue;
            in += outer % m_axes.extents[axis] * m_axes.strides[axis];
            out += outer % m_axes.extents[axis] * m_outStrides[axis];
            outer /= m_axes.extents[axis];
        }
        if (m_unit == last) {
            std::memcpy(m_out + out, m_in + in, static_cast<size_t>(width) * sizeof(T));
            return;
        }
        const int64_t rows = std::min(kTile, height - row);
        const int64_t outPitch = m_outStrides[m_unit], inPitch = m_axes.strides[last];
        for (int64_t column = 0; column < width; column += kTile)
            transposeTile(m_in + in + row + column * inPitch, inPitch,
                          m_out + out + row * outPitch + column, outPitch, rows,
                          std::min(kTile, width - column));
    }

    PermutedAxes m_axes;
    const T* m_in;
    T* m_out;
    int64_t m_outStrides[kMaxRank];
    int m_unit = 0;
};

} // namespace

Status permute(Context* context, const PermuteArgs* args) {
    return guarded(context, [&] {
        if (sizeBytes(args->input.dtype) == 4)
            Permutation<uint32_t>(*args).run(*context);
        else
            Permutation<uint16_t>(*args).run(*context);
    });
}

} // namespace kinora::kernels::cpu
#endif
