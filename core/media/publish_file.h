#pragma once
// Puts a finished file under its name in one step.

#include "core/media/image_file.h"
#include "kernels/base/result.h"

#include <cstddef>
#include <filesystem>
#include <span>

namespace kinora::core {

// Writes a hidden file beside `path`, flushes it to the disk and renames it: whatever happens,
// `path` holds either what it held or all of `bytes`. With Overwrite::No a file that appears there
// meanwhile is kept. Any thread. Errors: InvalidArgument (there is a file, or `path` is no place
// for one), DiskFull, Io. Leaves no temporary file behind.
Result<void> publishFile(std::span<const std::byte> bytes, const std::filesystem::path& path,
                         Overwrite overwrite);

// The check that publishFile begins with, for callers who want to know before they work.
Result<void> checkCanPublish(const std::filesystem::path& path, Overwrite overwrite);

} // namespace kinora::core
