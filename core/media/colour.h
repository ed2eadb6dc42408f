#pragma once
// Colour arithmetic that files need: the sRGB curve, alpha and white paper. Any thread.

#include "core/media/image.h"

namespace kinora::core {

// One channel value, encoded <-> linear light. Source: IEC 61966-2-1.
float srgbToLinear(float encoded);
float linearToSrgb(float linear);

// RGB as the picture looks on white paper; a picture without alpha as it is.
Image overWhite(const Image& image);

enum class Alpha { Straight, Premultiplied };

// To linear light with colour multiplied by alpha, which is what EXR files hold. In place.
void toLinearPremultiplied(Image& image);
// From linear light of any range to [0, 1]; NaN becomes 0.
void fromLinear(Image& image, Alpha alpha);
// Divides encoded colour by alpha where that is above zero.
void unpremultiply(Image& image);

} // namespace kinora::core
