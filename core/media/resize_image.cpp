#include "core/media/resize_image.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace kinora::core {

namespace {

constexpr double kLobes = 3;

double lanczos(double x) {
    const auto sinc = [](double v) {
        return v == 0 ? 1.0 : std::sin(v * std::numbers::pi) / (v * std::numbers::pi);
    };
    return std::abs(x) < kLobes ? sinc(x) * sinc(x / kLobes) : 0;
}

double bicubic(double x) {
    constexpr double a = -0.5;
    x = std::abs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

struct Filter {
    double (*weight)(double x);
    double support;
};

Filter filterOf(ResizeFilter filter) {
    return filter == ResizeFilter::Lanczos ? Filter{lanczos, kLobes} : Filter{bicubic, 2};
}

// The pixels that one pixel of the result is made of.
struct Window {
    size_t first;
    std::vector<float> weights; // their sum is 1
};

std::vector<Window> windowsOf(size_t from, size_t to, const Filter& filter) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double stretch = std::max(scale, 1.0), support = filter.support * stretch;
    std::vector<Window> windows;
    for (size_t i = 0; i < to; ++i) {
        const double center = (static_cast<double>(i) + 0.5) * scale;
        const auto first = static_cast<size_t>(std::max(center - support + 0.5, 0.0));
        const auto end = std::min(static_cast<size_t>(center + support + 0.5), from);
        std::vector<double> weights;
        double sum = 0;
        for (size_t at = first; at < end; ++at) {
            weights.push_back(filter.weight((static_cast<double>(at) - center + 0.5) / stretch));
            sum += weights.back();
        }
        Window& window = windows.emplace_back(Window{first, {}});
        for (const double weight : weights)
            window.weights.push_back(static_cast<float>(weight / sum));
    }
    return windows;
}

// Along the middle axis of [outer, from, inner]: rows of a picture or its columns. The filter
// overshoots at edges; values stay in 0..1.
std::vector<float> resample(const std::vector<float>& values, size_t outer, size_t from,
                            size_t inner, size_t to, const Filter& filter) {
    const std::vector<Window> windows = windowsOf(from, to, filter);
    std::vector<float> result(outer * to * inner);
    for (size_t row = 0; row < outer; ++row)
        for (size_t i = 0; i < to; ++i) {
            float* out = &result[(row * to + i) * inner];
            for (size_t tap = 0; tap < windows[i].weights.size(); ++tap) {
                const float* in = &values[(row * from + windows[i].first + tap) * inner];
                for (size_t at = 0; at < inner; ++at) out[at] += windows[i].weights[tap] * in[at];
            }
            for (size_t at = 0; at < inner; ++at) out[at] = std::clamp(out[at], 0.0f, 1.0f);
        }
    return result;
}

void roundToBytes(std::vector<float>& values) {
    constexpr float kWhole = 255;
    for (float& value : values) value = std::round(value * kWhole) / kWhole;
}

void multiplyByAlpha(Image& image) {
    for (size_t at = 0; at + 3 < image.pixels.size(); at += 4)
        for (size_t c = at; c < at + 3; ++c) image.pixels[c] *= image.pixels[at + 3];
}

void divideByAlpha(Image& image) {
    for (size_t at = 0; at + 3 < image.pixels.size(); at += 4)
        for (size_t c = at; c < at + 3; ++c)
            if (image.pixels[at + 3] > 0)
                image.pixels[c] = std::min(image.pixels[c] / image.pixels[at + 3], 1.0f);
}

} // namespace

Image resizeImage(const Image& image, int width, int height, ResizeFilter how) {
    if (image.width == width && image.height == height) return image;
    Image result = image;
    const Filter filter = filterOf(how);
    if (image.channels == 4) multiplyByAlpha(result);
    const auto alongRows = [&] {
        result.pixels = resample(
            result.pixels, static_cast<size_t>(result.height), static_cast<size_t>(result.width),
            static_cast<size_t>(result.channels), static_cast<size_t>(width), filter);
        if (how == ResizeFilter::Bicubic8Bit) roundToBytes(result.pixels);
        result.width = width;
    };
    const auto alongColumns = [&] {
        result.pixels = resample(result.pixels, 1, static_cast<size_t>(result.height),
                                 static_cast<size_t>(result.width * result.channels),
                                 static_cast<size_t>(height), filter);
        if (how == ResizeFilter::Bicubic8Bit) roundToBytes(result.pixels);
        result.height = height;
    };
    // The order tells in what is cut off between.
    const bool columnsFirst = width > image.width && height < image.height;
    if (columnsFirst) alongColumns();
    alongRows();
    if (!columnsFirst) alongColumns();
    if (image.channels == 4) divideByAlpha(result);
    return result;
}

} // namespace kinora::core
