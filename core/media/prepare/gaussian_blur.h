#pragma once
// The Gaussian filter over pictures.

#include "core/media/image.h"

namespace kinora::core {

// Four deviations to each side; beyond the picture it is mirrored at its outermost pixels, which
// are not repeated (OpenCV's default). sigma: in pixels, above 0.
Image gaussianBlur(const Image& image, double sigma);

} // namespace kinora::core
