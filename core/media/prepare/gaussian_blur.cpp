#include "core/media/prepare/gaussian_blur.h"

#include <cmath>
#include <vector>

namespace kinora::core {
namespace {

std::vector<float> kernelOf(double sigma) {
    const int radius = static_cast<int>(std::lround(4 * sigma));
    std::vector<double> weights;
    double sum = 0;
    for (int i = -radius; i <= radius; ++i) {
        weights.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
        sum += weights.back();
    }
    std::vector<float> kernel;
    for (const double weight : weights) kernel.push_back(static_cast<float>(weight / sum));
    return kernel;
}

int mirrored(int at, int size) {
    if (size == 1) return 0;
    while (at < 0 || at >= size) at = at < 0 ? -at : 2 * (size - 1) - at;
    return at;
}

// Along one axis: `lines` runs of `size` steps of `stride` values, each `width` values.
struct Axis {
    int size;
    size_t stride, width, lines, lineStride;
};

std::vector<float> filtered(const std::vector<float>& pixels, const Axis& axis,
                            const std::vector<float>& kernel) {
    const int radius = static_cast<int>(kernel.size() / 2);
    std::vector<float> result(pixels.size(), 0.0f);
    for (size_t line = 0; line < axis.lines; ++line)
        for (int at = 0; at < axis.size; ++at) {
            float* const to =
                &result[line * axis.lineStride + static_cast<size_t>(at) * axis.stride];
            for (int i = -radius; i <= radius; ++i) {
                const auto source = static_cast<size_t>(mirrored(at + i, axis.size));
                const float* const from = &pixels[line * axis.lineStride + source * axis.stride];
                const float weight = kernel[static_cast<size_t>(i + radius)];
                for (size_t value = 0; value < axis.width; ++value)
                    to[value] += weight * from[value];
            }
        }
    return result;
}

} // namespace

Image gaussianBlur(const Image& image, double sigma) {
    if (image.pixels.empty()) return image;
    const std::vector<float> kernel = kernelOf(sigma);
    const auto channels = static_cast<size_t>(image.channels);
    const auto row = static_cast<size_t>(image.width) * channels;
    Image result = image;
    result.pixels =
        filtered(image.pixels,
                 {image.width, channels, channels, static_cast<size_t>(image.height), row}, kernel);
    // Down the columns a whole row at a time.
    result.pixels = filtered(result.pixels, {image.height, row, row, 1, 0}, kernel);
    return result;
}

} // namespace kinora::core
