#include "core/media/colour.h"

#include <algorithm>
#include <cmath>

namespace kinora::core {

namespace {

float inRange(float value) {
    return std::isnan(value) ? 0.0F : std::clamp(value, 0.0F, 1.0F);
}

size_t pixelCount(const Image& image) {
    return static_cast<size_t>(image.width) * static_cast<size_t>(image.height);
}

} // namespace

float srgbToLinear(float encoded) {
    return encoded <= 0.04045F ? encoded / 12.92F : std::pow((encoded + 0.055F) / 1.055F, 2.4F);
}

float linearToSrgb(float linear) {
    return linear <= 0.0031308F ? linear * 12.92F : 1.055F * std::pow(linear, 1 / 2.4F) - 0.055F;
}

Image overWhite(const Image& image) {
    if (image.channels != 4) return image;
    Image flat{image.width, image.height, 3, std::vector<float>(pixelCount(image) * 3)};
    for (size_t i = 0; i < pixelCount(image); ++i) {
        const float* from = &image.pixels[i * 4];
        const float alpha = inRange(from[3]);
        for (size_t c = 0; c < 3; ++c) {
            flat.pixels[i * 3 + c] = inRange(from[c]) * alpha + (1 - alpha);
        }
    }
    return flat;
}

void toLinearPremultiplied(Image& image) {
    const size_t channels = static_cast<size_t>(image.channels);
    for (size_t i = 0; i < pixelCount(image); ++i) {
        float* pixel = &image.pixels[i * channels];
        const float alpha = channels == 4 ? inRange(pixel[3]) : 1.0F;
        for (size_t c = 0; c < 3; ++c) pixel[c] = srgbToLinear(inRange(pixel[c])) * alpha;
        if (channels == 4) pixel[3] = alpha;
    }
}

void unpremultiply(Image& image) {
    if (image.channels != 4) return;
    for (size_t i = 0; i < pixelCount(image); ++i) {
        float* pixel = &image.pixels[i * 4];
        if (!(pixel[3] > 0)) continue;
        for (size_t c = 0; c < 3; ++c) pixel[c] /= pixel[3];
    }
}

void fromLinear(Image& image, Alpha alpha) {
    if (alpha == Alpha::Premultiplied) unpremultiply(image);
    const size_t channels = static_cast<size_t>(image.channels);
    for (size_t i = 0; i < pixelCount(image); ++i) {
        float* pixel = &image.pixels[i * channels];
        for (size_t c = 0; c < 3; ++c) pixel[c] = inRange(linearToSrgb(inRange(pixel[c])));
        if (channels == 4) pixel[3] = inRange(pixel[3]);
    }
}

} // namespace kinora::core
