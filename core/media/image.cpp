#include "core/media/image.h"

#include <algorithm>
#include <cmath>

namespace kinora::core {

std::vector<uint8_t> toBytes(const Image& image) {
    std::vector<uint8_t> bytes(image.pixels.size());
    std::transform(image.pixels.begin(), image.pixels.end(), bytes.begin(), [](float value) {
        // NaN fails both comparisons of clamp; it must not reach the cast.
        const float known = std::isnan(value) ? 0.0F : std::clamp(value, 0.0F, 1.0F);
        return static_cast<uint8_t>(std::lrint(known * 255.0F));
    });
    return bytes;
}

} // namespace kinora::core
