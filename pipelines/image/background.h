#pragma once
// What lies behind a picture that has alpha.

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace kinora::pipelines {

// "transparent" is nullopt; "white" and "#rrggbb" are colours in 0..1.
// Throws Error{InvalidArgument} for anything else.
std::optional<std::array<float, 3>> parseBackground(std::string_view text);

// rgba: pixels of 4 values in 0..1 whose colour was composited on white. Afterwards the colour is
// straight: no white stays at the edges. rgb = (c - (1 - a)) / a, clamped.
void uncompositeOverWhite(std::span<float> rgba);

// rgba: straight alpha -> rgb over a colour, 3 values for each pixel.
void compositeOver(std::span<const float> rgba, const std::array<float, 3>& color,
                   std::span<float> rgb);

} // namespace kinora::pipelines
