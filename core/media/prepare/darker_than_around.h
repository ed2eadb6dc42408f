#pragma once
// How much darker each pixel is than its surroundings: what line drawings are made from.

#include "core/media/image.h"

#include <vector>

namespace kinora::core {

// One value for each pixel: the least of its channels' differences, 0 where one is brighter. Fine
// and wide are blurred pictures of one size, RGB.
std::vector<float> darkerThanAround(const Image& fine, const Image& wide);

// As an RGB picture of that size.
Image grayPicture(const std::vector<float>& values, int width, int height);

} // namespace kinora::core
