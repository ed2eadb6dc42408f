#pragma once
// Pictures of another size.

#include "core/media/image.h"

namespace kinora::core {

// 8Bit: in whole steps of 255 from the first to the last, to the bit as Pillow, for who must see
// the same numbers as programs that use it.
enum class ResizeFilter { Lanczos, Lanczos8Bit, Bicubic8Bit };

// By Lanczos' filter over three lobes or by Keys' cubic (a = -0.5), wider where it makes the
// picture smaller, as Pillow's resize of version 13: along rows, then along columns (the other way
// round where more than twice as many rows as columns are lost). Colour counts as much as it is
// opaque. The picture itself where it has that size. width, height: 1 or more. Throws
// std::bad_alloc.
Image resizeImage(const Image& image, int width, int height,
                  ResizeFilter filter = ResizeFilter::Lanczos);

} // namespace kinora::core
