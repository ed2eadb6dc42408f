#include "core/media/picture_difference.h"

#include <cmath>
#include <limits>

namespace kinora::core {

double peakSignalToNoise(const Image& a, const Image& b) {
    if (a.width != b.width || a.height != b.height || a.channels != b.channels) return 0;
    const std::vector<uint8_t> first = toBytes(a), second = toBytes(b);
    if (first == second) return std::numeric_limits<double>::infinity();
    constexpr int kAlpha = 3, kWithAlpha = 4;
    constexpr double kWhite = 255;
    const auto channels = static_cast<size_t>(a.channels);
    const bool hasAlpha = a.channels == kWithAlpha;
    double sum = 0;
    for (size_t at = 0; at + channels <= first.size(); at += channels)
        for (size_t c = 0; c < channels; ++c) {
            const bool color = hasAlpha && c != kAlpha;
            const double x = first[at + c] * (color ? first[at + kAlpha] / kWhite : 1.0);
            const double y = second[at + c] * (color ? second[at + kAlpha] / kWhite : 1.0);
            sum += (x - y) * (x - y);
        }
    if (sum == 0) return std::numeric_limits<double>::infinity();
    return 10 * std::log10(kWhite * kWhite * static_cast<double>(first.size()) / sum);
}

} // namespace kinora::core
