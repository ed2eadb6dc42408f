#include "core/engine/outpaint.h"

#include "kernels/base/error.h"
#include "kernels/base/rounding.h"

#include <algorithm>
#include <string>

namespace kinora::core {
namespace {

constexpr int64_t kMultiple = 8, kMostSide = 8192;
// Where margin and picture meet, both sides of the seam are made by one hand: the mask reaches half
// of this into the picture (a mask counts from 0.5 on), at least one latent.
constexpr int64_t kFeatherPixels = 16;

int64_t roundedUp(int64_t size) {
    return roundUp(size, kMultiple);
}

// Along one side: how far a place of the canvas is inside of the picture, from its grown edges.
int64_t depth(int64_t at, int64_t before, int64_t length, bool growsAfter) {
    int64_t inside = kFeatherPixels;
    if (before > 0) inside = std::min(inside, at - before);
    if (growsAfter) inside = std::min(inside, before + length - 1 - at);
    return inside;
}

} // namespace

OutpaintCanvas outpaintCanvas(const Image& picture, const Image& mask,
                              const pipelines::OutpaintMargins& margins) {
    const int64_t width = roundedUp(margins.left + picture.width + margins.right);
    const int64_t height = roundedUp(margins.top + picture.height + margins.bottom);
    if (width > kMostSide || height > kMostSide)
        throw Error(ErrorCode::InvalidArgument,
                    "outpaint: the picture would be " + std::to_string(width) + " x " +
                        std::to_string(height) + ".",
                    "Pictures have at most 8192 pixels a side.");
    OutpaintCanvas canvas{{static_cast<int>(width), static_cast<int>(height), picture.channels, {}},
                          {static_cast<int>(width), static_cast<int>(height), 1, {}}};
    const auto channels = static_cast<int64_t>(picture.channels);
    canvas.picture.pixels.reserve(static_cast<size_t>(width * height * channels));
    canvas.mask.pixels.reserve(static_cast<size_t>(width * height));
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x) {
            const int64_t fromY = std::clamp<int64_t>(y - margins.top, 0, picture.height - 1);
            const int64_t fromX = std::clamp<int64_t>(x - margins.left, 0, picture.width - 1);
            const auto from = static_cast<size_t>(fromY * picture.width + fromX);
            const auto pixel = picture.pixels.begin() + static_cast<int64_t>(from) * channels;
            canvas.picture.pixels.insert(canvas.picture.pixels.end(), pixel, pixel + channels);
            const int64_t inside = std::min(
                depth(x, margins.left, picture.width, width > margins.left + picture.width),
                depth(y, margins.top, picture.height, height > margins.top + picture.height));
            const float edge =
                1 - static_cast<float>(std::max<int64_t>(inside, 0)) / kFeatherPixels;
            const float own = mask.pixels.empty() ? 0.0f : mask.pixels[from];
            canvas.mask.pixels.push_back(inside < 0 ? 1.0f : std::max(edge, own));
        }
    return canvas;
}

} // namespace kinora::core
