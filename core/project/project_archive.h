#pragma once
// A project with all that belongs to it, in one zip file: name.kinora, name.history, name.assets/,
// name.results/.

#include "core/media/image_file.h"
#include "core/project/project_paths.h"
#include "kernels/base/cancel_token.h"
#include "kernels/base/result.h"

#include <filesystem>
#include <functional>
#include <string_view>

namespace kinora::core {

// Beside `archive` and renamed. The same files give the same bytes. Errors: NotFound (no project,
// or no asset that it needs), BadFile (such an asset is a link or another file), InvalidArgument
// (there is a file of that name), Io, DiskFull.
Result<void> packProject(const ProjectPaths& paths, const std::filesystem::path& archive,
                         Overwrite overwrite);

// Makes `folder`, which must not be there, in one step, and returns the project's file in it.
// Hostile input: names that lead out of the folder, links, two entries of one name, more than a
// million entries, entries that are larger than they say or unpack to far more than the archive
// could hold are refused. Errors: BadFile, InvalidArgument, NotFound, Io, DiskFull. Throws
// Cancelled, and leaves nothing then. progress: called with the part of the bytes that is there,
// 0 to 1, at every entry and every megabyte.
Result<std::filesystem::path> unpackProject(const std::filesystem::path& archive,
                                            const std::filesystem::path& folder,
                                            const CancelToken& cancel = {},
                                            const std::function<void(double)>& progress = {});

// Whether an entry of that name may be unpacked: relative, of plain parts, no part that begins
// with "..", no backslash, colon or control character, UTF-8.
bool isSafeArchiveName(std::string_view name);

} // namespace kinora::core
