#pragma once
// Letters for captions, drawn here so that a sheet has the same bytes on every machine.

#include <array>
#include <cstdint>

namespace kinora::core {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphHeight = 7;

// Rows from the top; the lowest bit is the rightmost dot. Small letters are drawn as capitals,
// what there is no drawing of as a box.
const std::array<uint8_t, kGlyphHeight>& glyphOf(char32_t character);

} // namespace kinora::core
