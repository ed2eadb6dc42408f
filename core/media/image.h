#pragma once
// A picture in memory: what engines hand out and files are written from. A value.

#include <cstdint>
#include <vector>

namespace kinora::core {

struct Image {
    int width = 0;
    int height = 0;
    int channels = 3;          // 3 RGB, 4 RGB and straight (not premultiplied) alpha
    std::vector<float> pixels; // height x width x channels, sRGB-encoded, in [0, 1]
};

// round(255 * clamp(value)), rows from the top.
std::vector<uint8_t> toBytes(const Image& image);

} // namespace kinora::core
