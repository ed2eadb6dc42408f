#pragma once
// How much two pictures differ: what `verify` judges by.

#include "core/media/image.h"

namespace kinora::core {

// Peak signal to noise ratio in dB over the 8-bit pixels: 10 log10(255^2 / mean squared difference)
// over all channels; infinite where they are equal. Colour counts as much as it is opaque, because
// under full transparency it shows nothing. 0 where size or channels differ.
double peakSignalToNoise(const Image& a, const Image& b);

} // namespace kinora::core
