#pragma once
// The ops by their definitions: one element after the other, in double precision. What the back
// ends are compared with.

#include "kernels/backend/backend_table.h"
#include "tests/support/arrays.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace kinora::test::reference {

inline double activation(double x, kernels::Activation kind) {
    using kernels::Activation;
    switch (kind) {
    case Activation::None: return x;
    case Activation::Silu: return x / (1 + std::exp(-x));
    case Activation::Gelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::GeluTanh:
        return 0.5 * x *
               (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case Activation::QuickGelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::Relu: return x < 0 ? 0 : x;
    case Activation::Sigmoid: return 1 / (1 + std::exp(-x));
    case Activation::Tanh: return std::tanh(x);
    case Activation::Mish: return x * std::tanh(std::log1p(std::exp(x)));
    }
    return x;
}

inline Array activate(const Array& x, kernels::Activation kind) {
    Array out = x;
    for (double& value : out.values) value = activation(value, kind);
    return out;
}

inline Array glu(const Array& x, kernels::Activation kind) {
    const int64_t channels = x.channels() / 2;
    Array out(x.shape.with(-1, channels));
    for (int64_t i = 0; i < out.elements(); ++i) {
        const int64_t at = i / channels * 2 * channels + i % channels;
        out[i] = x[at] * activation(x[at + channels], kind);
    }
    return out;
}

// The element of a tensor that repeats along its extents of 1, for an index of the whole shape.
inline double broadcastElement(const Array& x, const kernels::Shape& whole, int64_t index) {
    int64_t at = 0, step = 1;
    for (int axis = whole.rank() - 1; axis >= 0; --axis) {
        if (x.shape[axis] != 1) at += index % whole[axis] * step;
        step *= x.shape[axis];
        index /= whole[axis];
    }
    return x[at];
}

inline Array binary(const Array& a, const Array& b, kernels::BinaryOp op) {
    kernels::Shape shape = a.shape;
    for (int axis = 0; axis < shape.rank(); ++axis)
        if (shape[axis] == 1) shape = shape.with(axis, b.shape[axis]);
    Array out(shape);
    for (int64_t i = 0; i < out.elements(); ++i) {
        const double x = broadcastElement(a, shape, i), y = broadcastElement(b, shape, i);
        switch (op) {
        case kernels::BinaryOp::Add: out[i] = x + y; break;
        case kernels::BinaryOp::Subtract: out[i] = x - y; break;
        case kernels::BinaryOp::Multiply: out[i] = x * y; break;
        case kernels::BinaryOp::Divide: out[i] = x / y; break;
        case kernels::BinaryOp::LeakyRelu: out[i] = x < 0 ? x * y : x; break;
        }
    }
    return out;
}

// Normalises the elements that `members` names for each index; scale and shift may be empty.
inline double channelValue(const Array& values, int64_t channel, double otherwise) {
    return values.values.empty() ? otherwise : values[channel];
}

inline Array groupNorm(const Array& x, const Array& scale, const Array& shift, int64_t groups,
                       double epsilon, kernels::Activation kind = kernels::Activation::None) {
    const int64_t channels = x.channels(), items = x.shape[0];
    const int64_t positions = x.elements() / std::max<int64_t>(1, items * channels);
    const int64_t width = channels / groups;
    Array out(x.shape);
    for (int64_t item = 0; item < items; ++item)
        for (int64_t group = 0; group < groups; ++group) {
            const auto each = [&](auto&& visit) {
                for (int64_t position = 0; position < positions; ++position)
                    for (int64_t c = group * width; c < (group + 1) * width; ++c)
                        visit((item * positions + position) * channels + c, c);
            };
            const auto count = static_cast<double>(positions * width);
            double mean = 0, variance = 0;
            each([&](int64_t at, int64_t) { mean += x[at] / count; });
            each([&](int64_t at, int64_t) { variance += (x[at] - mean) * (x[at] - mean) / count; });
            each([&](int64_t at, int64_t c) {
                const double unit = (x[at] - mean) / std::sqrt(variance + epsilon);
                out[at] =
                    activation(unit * channelValue(scale, c, 1) + channelValue(shift, c, 0), kind);
            });
        }
    return out;
}

inline Array layerNorm(const Array& x, const Array& scale, const Array& shift, double epsilon) {
    const int64_t channels = x.channels(), rows = x.elements() / channels;
    const Array flat(kernels::Shape{rows, channels}, x.values);
    return {x.shape, groupNorm(flat, scale, shift, 1, epsilon).values};
}

inline Array rmsNorm(const Array& x, const Array& scale, double epsilon) {
    const int64_t channels = x.channels();
    Array out(x.shape);
    for (int64_t row = 0; row < x.elements(); row += channels) {
        double squares = 0;
        for (int64_t c = 0; c < channels; ++c) squares += x[row + c] * x[row + c];
        const double factor = 1 / std::sqrt(squares / static_cast<double>(channels) + epsilon);
        for (int64_t c = 0; c < channels; ++c)
            out[row + c] = x[row + c] * factor * channelValue(scale, c, 1);
    }
    return out;
}

inline Array softmax(const Array& x, double scale) {
    const int64_t columns = x.channels();
    Array out(x.shape);
    for (int64_t row = 0; row < x.elements(); row += columns) {
        double largest = -INFINITY, sum = 0;
        for (int64_t c = 0; c < columns; ++c) largest = std::max(largest, scale * x[row + c]);
        for (int64_t c = 0; c < columns; ++c) sum += std::exp(scale * x[row + c] - largest);
        for (int64_t c = 0; c < columns; ++c)
            out[row + c] = std::exp(scale * x[row + c] - largest) / sum;
    }
    return out;
}

// The f32 product and floor of torch.nn.functional.interpolate(mode="nearest").
inline int64_t nearestSource(int64_t target, int64_t extent, int64_t count) {
    const float ratio = static_cast<float>(extent) / static_cast<float>(count);
    return std::min(static_cast<int64_t>(std::floor(static_cast<float>(target) * ratio)),
                    extent - 1);
}

inline Array resizeNearest(const Array& x, int64_t height, int64_t width) {
    const int64_t channels = x.channels();
    Array out(kernels::Shape{x.shape[0], height, width, channels});
    int64_t i = 0;
    for (int64_t item = 0; item < x.shape[0]; ++item)
        for (int64_t row = 0; row < height; ++row)
            for (int64_t column = 0; column < width; ++column)
                for (int64_t c = 0; c < channels; ++c) {
                    const int64_t y = nearestSource(row, x.shape[1], height);
                    const int64_t at = nearestSource(column, x.shape[2], width);
                    out[i++] = x[((item * x.shape[1] + y) * x.shape[2] + at) * channels + c];
                }
    return out;
}

inline Array averagePool2x2(const Array& x) {
    const int64_t height = x.shape[1] / 2, width = x.shape[2] / 2, channels = x.channels();
    Array out(kernels::Shape{x.shape[0], height, width, channels});
    int64_t i = 0;
    for (int64_t item = 0; item < x.shape[0]; ++item)
        for (int64_t row = 0; row < height; ++row)
            for (int64_t column = 0; column < width; ++column)
                for (int64_t c = 0; c < channels; ++c) {
                    double sum = 0;
                    for (const int64_t dy : {0, 1})
                        for (const int64_t dx : {0, 1})
                            sum += x[((item * x.shape[1] + 2 * row + dy) * x.shape[2] + 2 * column +
                                      dx) *
                                         channels +
                                     c];
                    out[i++] = sum / 4;
                }
    return out;
}

inline Array concat(const std::vector<Array>& parts) {
    int64_t channels = 0;
    for (const Array& part : parts) channels += part.channels();
    Array out(parts.front().shape.with(-1, channels));
    int64_t first = 0;
    for (const Array& part : parts) {
        const int64_t width = part.channels();
        for (int64_t i = 0; i < part.elements(); ++i)
            out[i / width * channels + first + i % width] = part[i];
        first += width;
    }
    return out;
}

inline Array permute(const Array& x, const std::vector<int>& order) {
    kernels::Shape shape = x.shape;
    for (size_t axis = 0; axis < order.size(); ++axis)
        shape = shape.with(static_cast<int>(axis), x.shape[order[axis]]);
    Array out(shape);
    for (int64_t i = 0; i < out.elements(); ++i) {
        std::vector<int64_t> position(order.size());
        int64_t rest = i;
        for (int axis = shape.rank() - 1; axis >= 0; --axis) {
            position[static_cast<size_t>(order[static_cast<size_t>(axis)])] = rest % shape[axis];
            rest /= shape[axis];
        }
        int64_t at = 0;
        for (int axis = 0; axis < x.shape.rank(); ++axis)
            at = at * x.shape[axis] + position[static_cast<size_t>(axis)];
        out[i] = x[at];
    }
    return out;
}

// Frequencies and angles are rounded to f32, as the reference implementation's are.
inline Array timestepEmbedding(std::span<const float> timesteps, int64_t channels, bool cosFirst,
                               double shift, double maxPeriod) {
    const int64_t half = channels / 2;
    Array out(kernels::Shape{static_cast<int64_t>(timesteps.size()), channels});
    for (size_t row = 0; row < timesteps.size(); ++row)
        for (int64_t i = 0; i < half; ++i) {
            const auto scaled = static_cast<float>(-std::log(maxPeriod)) * static_cast<float>(i);
            const float exponent = scaled / static_cast<float>(static_cast<double>(half) - shift);
            const auto frequency = static_cast<float>(std::exp(static_cast<double>(exponent)));
            const double angle = timesteps[row] * frequency;
            double* to = out.values.data() + static_cast<int64_t>(row) * channels;
            to[cosFirst ? i : half + i] = std::cos(angle);
            to[cosFirst ? half + i : i] = std::sin(angle);
        }
    return out;
}

inline Array standardDeviation(const Array& x) {
    const int64_t items = x.shape[0], count = x.elements() / items;
    Array out(kernels::Shape{items});
    for (int64_t item = 0; item < items; ++item) {
        double mean = 0, squares = 0;
        for (int64_t i = 0; i < count; ++i) mean += x[item * count + i];
        mean /= static_cast<double>(count);
        for (int64_t i = 0; i < count; ++i)
            squares += (x[item * count + i] - mean) * (x[item * count + i] - mean);
        out[item] = std::sqrt(squares / static_cast<double>(count - 1));
    }
    return out;
}

} // namespace kinora::test::reference
