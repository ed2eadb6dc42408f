#pragma once
// FreeU's four numbers as they are written: "1.5:1.6:0.9:0.2", or "off".

#include <optional>
#include <string_view>

namespace kinora::pipelines {

// Of the first two levels on a denoiser's way up: what half of its own channels, and what the
// lowest frequencies of the skips that come beside them, are multiplied with. Source: Si et al.
// 2023, FreeU.
struct FreeU {
    double backbone1 = 1, backbone2 = 1, skip1 = 1, skip2 = 1;
};

inline constexpr double kMostFreeU = 10;

// "B1:B2:S1:S2", each from 0 to 10; "off" is all of them 1. nullopt where it is neither.
std::optional<FreeU> parseFreeU(std::string_view text);

} // namespace kinora::pipelines
