#include "pipelines/blocks/tiles.h"

#include "kernels/backend/device.h"
#include "kernels/base/rounding.h"

#include <algorithm>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

std::vector<Span> spansOf(int64_t length, const Tiling& tiling) {
    if (length <= tiling.tile) return {Span{0, length, 0, 0, 0, 0}};
    const int64_t stride = tiling.tile - tiling.overlap;
    const int64_t gaps = ceilDiv(length - tiling.tile, stride);
    std::vector<Span> spans;
    for (int64_t i = 0; i <= gaps; ++i) {
        const int64_t begin = (length - tiling.tile) * i / gaps;
        spans.push_back({begin, begin + tiling.tile, 0, 0, 0, 0});
    }
    // The fade is in the middle of what two neighbours share: the edge of a tile knows the least.
    for (size_t i = 0; i + 1 < spans.size(); ++i) {
        Span &left = spans[i], &right = spans[i + 1];
        const double middle = static_cast<double>(right.begin + left.end) / 2;
        const double half = static_cast<double>(tiling.overlap) / 2;
        left.fadeOutBegin = right.fadeInBegin = middle - half;
        left.fadeOutEnd = right.fadeInEnd = middle + half;
    }
    return spans;
}

double weightAt(const Span& span, double position) {
    double weight = 1;
    if (span.fadeInEnd > span.fadeInBegin)
        weight *= std::clamp((position - span.fadeInBegin) / (span.fadeInEnd - span.fadeInBegin),
                             0.0, 1.0);
    if (span.fadeOutEnd > span.fadeOutBegin)
        weight *=
            1 - std::clamp((position - span.fadeOutBegin) / (span.fadeOutEnd - span.fadeOutBegin),
                           0.0, 1.0);
    return weight;
}

namespace {

// Rows and columns of a picture on the host, [height,width,channels].
struct Canvas {
    int64_t width, channels;
    std::vector<float>& values;
    float* at(int64_t y, int64_t x) {
        return &values[static_cast<size_t>((y * width + x) * channels)];
    }
};

Tensor cut(const Tensor& input, Canvas whole, const Span& rows, const Span& columns,
           int64_t scale) {
    const Shape shape{1, (rows.end - rows.begin) * scale, (columns.end - columns.begin) * scale,
                      input.dim(3)};
    kernels::Device& device = input.device();
    if (!device.hasNumbers()) return device.empty(shape, DType::F32);
    std::vector<float> part;
    part.reserve(static_cast<size_t>(shape.elements()));
    for (int64_t y = 0; y < shape[1]; ++y) {
        const float* row = whole.at(rows.begin * scale + y, columns.begin * scale);
        part.insert(part.end(), row, row + shape[2] * shape[3]);
    }
    return device.fromHost(part.data(), shape, DType::F32);
}

void add(const std::vector<float>& tile, Canvas whole, const Span& rows, const Span& columns,
         int64_t scale) {
    const auto position = [&](int64_t at) {
        return (static_cast<double>(at) + 0.5) / static_cast<double>(scale);
    };
    const float* next = tile.data();
    for (int64_t y = rows.begin * scale; y < rows.end * scale; ++y) {
        const double rowWeight = weightAt(rows, position(y));
        for (int64_t x = columns.begin * scale; x < columns.end * scale; ++x) {
            const auto weight = static_cast<float>(rowWeight * weightAt(columns, position(x)));
            float* to = whole.at(y, x);
            for (int64_t c = 0; c < whole.channels; ++c) to[c] += weight * *next++;
        }
    }
}

} // namespace

Tensor runTiled(const Tensor& input, const Tiling& tiling, int64_t up, int64_t down,
                int64_t channels, const std::function<Tensor(const Tensor&)>& run) {
    kernels::Device& device = input.device();
    const int64_t height = input.dim(1) / down, width = input.dim(2) / down;
    const std::vector<Span> rows = spansOf(height, tiling), columns = spansOf(width, tiling);
    if (rows.size() == 1 && columns.size() == 1) return run(input);
    const Shape shape{1, height * up, width * up, channels};
    std::vector<float> from, to;
    if (device.hasNumbers()) {
        from = device.toHost<float>(input);
        to.resize(static_cast<size_t>(shape.elements()));
    }
    for (const Span& row : rows)
        for (const Span& column : columns) {
            const Tensor tile =
                run(cut(input, {input.dim(2), input.dim(3), from}, row, column, down));
            if (device.hasNumbers())
                add(device.toHost<float>(tile), {width * up, channels, to}, row, column, up);
        }
    return device.hasNumbers() ? device.fromHost(to.data(), shape, DType::F32)
                               : device.empty(shape, DType::F32);
}

} // namespace kinora::pipelines
