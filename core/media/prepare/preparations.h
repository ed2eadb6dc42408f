#pragma once
// The preparations, each in a file of its own: RGB -> RGB of the same size. Private to this folder.

#include "core/media/image.h"

namespace kinora::core {

// White edges on black. Source: Canny 1986, with OpenCV's numbers: thresholds 100 and 200, the
// channel with the steepest slope, |dx| + |dy|.
Image cannyEdges(const Image& picture);

// White strokes on black, of one strength, where the picture is darker than around.
// Source: difference of Gaussians as Winnemoeller et al. 2012 threshold it.
Image scribbled(const Image& picture);

// White lines on black, as strong as the picture's are: a difference of Gaussians, so that the
// median line has half the range.
Image lineArt(const Image& picture);

// What is finer than two pixels taken away: the net makes the detail.
Image withoutDetail(const Image& picture);

Image blurred(const Image& picture);

} // namespace kinora::core
