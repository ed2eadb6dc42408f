#include "core/media/prepare/gaussian_blur.h"
#include "core/media/prepare/preparations.h"
#include "core/media/resize_image.h"

#include <algorithm>

namespace kinora::core {

Image withoutDetail(const Image& picture) {
    const int width = std::max(picture.width / 2, 1), height = std::max(picture.height / 2, 1);
    return resizeImage(resizeImage(picture, width, height), picture.width, picture.height);
}

Image blurred(const Image& picture) {
    constexpr double kSigma = 9; // pixels
    return gaussianBlur(picture, kSigma);
}

} // namespace kinora::core
