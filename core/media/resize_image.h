#pragma once
// Pictures of another size.

#include "core/media/image.h"

namespace kinora::core {

// By Lanczos' filter over three lobes, wider where it makes the picture smaller, as Pillow's
// resize(LANCZOS) of version 13: along rows, then along columns (the other way round where a wider
// and lower picture is made), here without rounding to 8 bits between.
// Colour counts as much as it is opaque. The picture itself where it has that size. width, height:
// 1 or more. Throws std::bad_alloc.
Image resizeImage(const Image& image, int width, int height);

} // namespace kinora::core
