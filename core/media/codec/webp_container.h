#pragma once
// WebP files as lists of chunks. Source: the WebP container specification.

#include <cstdint>
#include <span>
#include <vector>

namespace kinora::core::codec {

// The colours of one lossy WebP file and the alpha of another of the same size, as one file. Where
// `alpha` holds no alpha channel (it is opaque), `colour` as it is.
std::vector<uint8_t> joinedWebp(std::span<const uint8_t> colour, std::span<const uint8_t> alpha);

} // namespace kinora::core::codec
