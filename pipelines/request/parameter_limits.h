#pragma once
// How long the texts of the table of parameters may be, in bytes, and how large its sizes.
// Private to pipelines/request.

namespace kinora::pipelines {

inline constexpr double kMostPathBytes = 4'096;
inline constexpr double kMostNameBytes = 256;
inline constexpr double kMostSizePixels = 65'536;

} // namespace kinora::pipelines
