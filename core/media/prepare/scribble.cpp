#include "core/media/prepare/darker_than_around.h"
#include "core/media/prepare/gaussian_blur.h"
#include "core/media/prepare/preparations.h"

namespace kinora::core {

Image scribbled(const Image& picture) {
    constexpr double kFine = 0.5, kWide = 5; // pixels
    constexpr float kLeast = 16.0f / 255;    // that a stroke is darker than around
    std::vector<float> values =
        darkerThanAround(gaussianBlur(picture, kFine), gaussianBlur(picture, kWide));
    for (float& value : values) value = value > kLeast ? 1.0f : 0.0f;
    return grayPicture(values, picture.width, picture.height);
}

} // namespace kinora::core
