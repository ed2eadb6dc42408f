#include "core/engine/paste_back.h"

#include "core/media/prepare/gaussian_blur.h"
#include "kernels/base/error.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kinora::core {

using pipelines::HostTensor;

namespace {

using Pixel = std::array<float, 4>; // straight alpha

// How much of what was made is seen, 0 to 1 for each pixel.
std::vector<float> seenOf(const HostTensor& mask, double blurPixels) {
    Image soft{static_cast<int>(mask.shape[1]), static_cast<int>(mask.shape[0]), 1, mask.values};
    if (blurPixels > 0) soft = gaussianBlur(soft, blurPixels);
    for (size_t at = 0; at < soft.pixels.size(); ++at)
        soft.pixels[at] = mask.values[at] >= 0.5f ? 1 : std::min(2 * soft.pixels[at], 1.0f);
    return std::move(soft.pixels);
}

// channels: of the picture that it goes into.
Pixel keptPixel(const float* stored, int64_t storedChannels, int channels,
                const std::array<float, 3>& behind) {
    Pixel pixel{stored[0], stored[1], stored[2], storedChannels == 4 ? stored[3] : 1.0f};
    if (channels == 4 || pixel[3] == 1) return pixel;
    for (size_t c = 0; c < 3; ++c) pixel[c] = pixel[c] * pixel[3] + behind[c] * (1 - pixel[3]);
    pixel[3] = 1;
    return pixel;
}

Pixel mixed(const Pixel& made, const Pixel& kept, float seen) {
    const float ofMade = seen * made[3], ofKept = (1 - seen) * kept[3], alpha = ofMade + ofKept;
    Pixel pixel{made[0], made[1], made[2], alpha};
    if (alpha <= 0) return pixel;
    for (size_t c = 0; c < 3; ++c) pixel[c] = (ofMade * made[c] + ofKept * kept[c]) / alpha;
    return pixel;
}

} // namespace

Image pastedBack(Image made, const HostTensor& kept, const HostTensor& mask, const PasteBack& how) {
    const auto isOfItsSize = [&](const HostTensor& tensor) {
        return tensor.shape.rank() == 3 && tensor.shape[0] == made.height &&
               tensor.shape[1] == made.width;
    };
    if (!isOfItsSize(kept) || !isOfItsSize(mask))
        throw Error(ErrorCode::Internal, "What is pasted back has another size than the picture.");
    const std::vector<float> seen = seenOf(mask, how.blurPixels);
    const auto channels = static_cast<size_t>(made.channels);
    const auto keptChannels = static_cast<size_t>(kept.shape[2]);
    for (size_t at = 0; at < seen.size(); ++at) {
        if (seen[at] == 1) continue;
        float* const to = &made.pixels[at * channels];
        Pixel pixel =
            keptPixel(&kept.values[at * keptChannels], kept.shape[2], made.channels, how.behind);
        if (seen[at] > 0)
            pixel = mixed({to[0], to[1], to[2], channels == 4 ? to[3] : 1.0f}, pixel, seen[at]);
        std::copy_n(pixel.begin(), channels, to);
    }
    return made;
}

} // namespace kinora::core
