#include "core/media/prepare/darker_than_around.h"

#include <algorithm>

namespace kinora::core {

std::vector<float> darkerThanAround(const Image& fine, const Image& wide) {
    std::vector<float> values;
    values.reserve(fine.pixels.size() / 3);
    for (size_t at = 0; at + 2 < fine.pixels.size(); at += 3) {
        float least = 1;
        for (size_t c = at; c < at + 3; ++c)
            least = std::min(least, wide.pixels[c] - fine.pixels[c]);
        values.push_back(std::max(least, 0.0f));
    }
    return values;
}

Image grayPicture(const std::vector<float>& values, int width, int height) {
    Image picture{width, height, 3, {}};
    picture.pixels.reserve(values.size() * 3);
    for (const float value : values)
        picture.pixels.insert(picture.pixels.end(), 3, std::clamp(value, 0.0f, 1.0f));
    return picture;
}

} // namespace kinora::core
