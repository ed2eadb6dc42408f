#pragma once
// The folders of models that a person added, in the window or with kinora models add: one file in
// the data folder, which every list reads anew.
//
//     addModelFolder(dataFolder, "/home/me/ComfyUI/models");

#include "kernels/base/result.h"

#include <filesystem>
#include <vector>

namespace kinora::core {

// In the order in which they were added, absolute; those that are not there now, too: disks come
// and go. Empty dataFolder: none. Error{BadFile, Io} where the file is there and cannot be read.
Result<std::vector<std::filesystem::path>>
readModelFolders(const std::filesystem::path& dataFolder);
// The same for who goes on without: of a file that cannot be read nothing.
std::vector<std::filesystem::path> addedModelFolders(const std::filesystem::path& dataFolder);

// A folder that is among them already stays where it is. Error{NotFound, InvalidArgument (no
// folder, the whole disk or a part of the system, a name that is no text, too many), DiskFull, Io,
// Busy (another process is changing the list)}; BadFile as above: what was added is not thrown
// away.
Result<void> addModelFolder(const std::filesystem::path& dataFolder,
                            const std::filesystem::path& folder);

// The folder's files stay. Error{NotFound} where it was not among them; BadFile, DiskFull, Io,
// Busy.
Result<void> removeModelFolder(const std::filesystem::path& dataFolder,
                               const std::filesystem::path& folder);

// /proc and its like, whose files are none. folder: a canonical path.
bool isOfSystem(const std::filesystem::path& folder);

// Whether the path is the folder's or leads below it, by the names alone.
bool isBelow(const std::filesystem::path& path, const std::filesystem::path& folder);

} // namespace kinora::core
