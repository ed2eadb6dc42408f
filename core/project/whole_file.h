#pragma once
// A text file from outside, read in one piece.

#include "kernels/base/result.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace kinora::core {

// Errors: NotFound, Io, BadFile (a folder, a pipe, empty, larger than maximumBytes).
Result<std::string> readWholeFile(const std::filesystem::path& path, size_t maximumBytes);

} // namespace kinora::core
