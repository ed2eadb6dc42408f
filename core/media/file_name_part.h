#pragma once
// File names made of what people write.

#include <cstddef>
#include <string>

namespace kinora::core {

// Text as part of a file name: Unicode is kept; separators, control and invisible characters are
// not; at most maximumBytes of UTF-8, cut between characters as a reader sees them.
std::string fileNamePart(const std::string& text, size_t maximumBytes);

} // namespace kinora::core
