#pragma once
// A small ICC profile for sRGB, made here: matrix and one parametric curve.

#include <cstdint>
#include <vector>

namespace kinora::core::codec {

// The same bytes at each call. Source: ICC.1:2022 (version 4 profiles), IEC 61966-2-1.
std::vector<uint8_t> srgbProfile();

} // namespace kinora::core::codec
