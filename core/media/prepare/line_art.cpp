#include "core/media/prepare/darker_than_around.h"
#include "core/media/prepare/gaussian_blur.h"
#include "core/media/prepare/preparations.h"

#include <algorithm>

namespace kinora::core {
namespace {

// Of an even number the mean of the two in the middle; 0 of none.
float median(std::vector<float> values) {
    if (values.empty()) return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    if (values.size() % 2 == 1) return *middle;
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

} // namespace

Image lineArt(const Image& picture) {
    constexpr double kWide = 6;                                // pixels
    constexpr float kNoise = 8.0f / 255, kFaint = 16.0f / 255; // below: no line; a faint one
    std::vector<float> values = darkerThanAround(picture, gaussianBlur(picture, kWide));
    std::vector<float> lines;
    std::ranges::copy_if(values, std::back_inserter(lines),
                         [](float value) { return value > kNoise; });
    const float half = std::max(kFaint, median(std::move(lines)));
    for (float& value : values) value *= 0.5f / half;
    return grayPicture(values, picture.width, picture.height);
}

} // namespace kinora::core
