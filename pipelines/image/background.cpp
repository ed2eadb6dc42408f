#include "pipelines/image/background.h"

#include "kernels/base/error.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace kinora::pipelines {

std::optional<std::array<float, 3>> parseBackground(std::string_view text) {
    if (text == "transparent") return std::nullopt;
    if (text == "white") return std::array<float, 3>{1, 1, 1};
    unsigned value = 0;
    if (text.size() == 7 && text[0] == '#') {
        const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 7, value, 16);
        if (error == std::errc() && end == text.data() + 7)
            return std::array<float, 3>{static_cast<float>(value >> 16) / 255.0f,
                                        static_cast<float>(value >> 8 & 255) / 255.0f,
                                        static_cast<float>(value & 255) / 255.0f};
    }
    throw Error(ErrorCode::InvalidArgument,
                "background: '" + std::string(text.substr(0, 40)) + "' is not a background.",
                "Use transparent, white or a colour such as #2f2f2f.");
}

void uncompositeOverWhite(std::span<float> rgba) {
    constexpr float kInvisible = 0.5f / 255.0f; // rounds to alpha 0: the colour cannot be known
    for (size_t i = 0; i + 3 < rgba.size(); i += 4) {
        const float alpha = rgba[i + 3];
        for (size_t c = i; c < i + 3; ++c)
            rgba[c] = alpha < kInvisible
                          ? 1.0f
                          : std::clamp((rgba[c] - (1.0f - alpha)) / alpha, 0.0f, 1.0f);
    }
}

void compositeOver(std::span<const float> rgba, const std::array<float, 3>& color,
                   std::span<float> rgb) {
    for (size_t pixel = 0; pixel * 4 + 3 < rgba.size(); ++pixel) {
        const float alpha = rgba[pixel * 4 + 3];
        for (size_t c = 0; c < 3; ++c)
            rgb[pixel * 3 + c] = rgba[pixel * 4 + c] * alpha + color[c] * (1.0f - alpha);
    }
}

} // namespace kinora::pipelines
