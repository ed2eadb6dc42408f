#include "core/media/resize_image.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
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
    bool inBytes; // values are whole numbers to kMostByte, weights have the bits that Pillow's have
};

constexpr double kMostByte = 255, kWeightSteps = 1 << 22;

Filter filterOf(ResizeFilter filter) {
    const bool inBytes = filter != ResizeFilter::Lanczos;
    return filter == ResizeFilter::Bicubic8Bit ? Filter{bicubic, 2, inBytes}
                                               : Filter{lanczos, kLobes, inBytes};
}

// Halves go up: Pillow adds one and cuts off.
double roundedUp(double value) {
    return std::floor(value + 0.5);
}

// The pixels that one pixel of the result is made of.
struct Window {
    size_t first;
    std::vector<double> weights; // their sum is 1
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
        for (double weight : weights) {
            weight /= sum;
            if (filter.inBytes) weight = std::round(weight * kWeightSteps) / kWeightSteps;
            window.weights.push_back(weight);
        }
    }
    return windows;
}

// Along the middle axis of [outer, from, inner]: rows of a picture or its columns. The filter
// overshoots at edges; values stay in their range.
std::vector<float> resample(const std::vector<float>& values, size_t outer, size_t from,
                            size_t inner, size_t to, const Filter& filter) {
    const std::vector<Window> windows = windowsOf(from, to, filter);
    const double most = filter.inBytes ? kMostByte : 1;
    std::vector<float> result(outer * to * inner);
    std::vector<double> sums(inner);
    for (size_t row = 0; row < outer; ++row)
        for (size_t i = 0; i < to; ++i) {
            std::ranges::fill(sums, 0);
            for (size_t tap = 0; tap < windows[i].weights.size(); ++tap) {
                const float* in = &values[(row * from + windows[i].first + tap) * inner];
                for (size_t at = 0; at < inner; ++at)
                    sums[at] += windows[i].weights[tap] * static_cast<double>(in[at]);
            }
            float* out = &result[(row * to + i) * inner];
            for (size_t at = 0; at < inner; ++at)
                out[at] = static_cast<float>(
                    std::clamp(filter.inBytes ? roundedUp(sums[at]) : sums[at], 0.0, most));
        }
    return result;
}

void multiplyByAlpha(Image& image, bool inBytes) {
    for (size_t at = 0; at + 3 < image.pixels.size(); at += 4)
        for (size_t c = at; c < at + 3; ++c) {
            const double product = static_cast<double>(image.pixels[c]) * image.pixels[at + 3];
            image.pixels[c] =
                static_cast<float>(inBytes ? roundedUp(product / kMostByte) : product);
        }
}

void divideByAlpha(Image& image, bool inBytes) {
    const double most = inBytes ? kMostByte : 1;
    for (size_t at = 0; at + 3 < image.pixels.size(); at += 4)
        for (size_t c = at; c < at + 3; ++c) {
            const double alpha = image.pixels[at + 3];
            if (alpha <= 0) continue;
            const double color = std::min(image.pixels[c] * most / alpha, most);
            image.pixels[c] = static_cast<float>(inBytes ? std::floor(color) : color);
        }
}

Image resampled(Image image, int width, int height, const Filter& filter, bool columnsFirst) {
    const auto alongRows = [&] {
        image.pixels = resample(
            image.pixels, static_cast<size_t>(image.height), static_cast<size_t>(image.width),
            static_cast<size_t>(image.channels), static_cast<size_t>(width), filter);
        image.width = width;
    };
    const auto alongColumns = [&] {
        image.pixels = resample(image.pixels, 1, static_cast<size_t>(image.height),
                                static_cast<size_t>(image.width * image.channels),
                                static_cast<size_t>(height), filter);
        image.height = height;
    };
    if (columnsFirst) alongColumns();
    alongRows();
    if (!columnsFirst) alongColumns();
    return image;
}

} // namespace

Image resizeImage(const Image& image, int width, int height, ResizeFilter how) {
    if (image.width == width && image.height == height) return image;
    const Filter filter = filterOf(how);
    Image result = image;
    if (filter.inBytes)
        for (float& value : result.pixels) value = static_cast<float>(roundedUp(value * kMostByte));
    if (image.channels == 4) multiplyByAlpha(result, filter.inBytes);
    // The order tells in what is cut off between. Pillow's was found by trying; what CLIP's
    // reference (torchvision) does goes along rows first.
    const int fewerRows = image.height - height, fewerColumns = image.width - width;
    const bool columnsFirst =
        how != ResizeFilter::Bicubic8Bit && fewerRows > 0 && fewerRows > 2 * fewerColumns;
    result = resampled(std::move(result), width, height, filter, columnsFirst);
    if (image.channels == 4) divideByAlpha(result, filter.inBytes);
    if (filter.inBytes)
        for (float& value : result.pixels) value = static_cast<float>(value / kMostByte);
    return result;
}

} // namespace kinora::core
