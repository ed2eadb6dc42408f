#pragma once
// A picture on a larger canvas, so that its surroundings are made anew.

#include "core/media/image.h"
#include "pipelines/request/outpaint_margins.h"

namespace kinora::core {

struct OutpaintCanvas {
    Image picture; // its edges go on into the margins
    Image mask;    // one channel: 1 in the margins, falling to 0 a little way into the picture
};

// mask: of the picture and of its size, one channel, or empty. The canvas grows at the right and at
// the bottom to a multiple of 8 pixels. Throws Error{InvalidArgument} beyond 8192 pixels a side.
OutpaintCanvas outpaintCanvas(const Image& picture, const Image& mask,
                              const pipelines::OutpaintMargins& margins);

} // namespace kinora::core
