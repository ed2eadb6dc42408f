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
// and go. Hostile input: of a damaged file nothing. Empty dataFolder: none.
std::vector<std::filesystem::path> addedModelFolders(const std::filesystem::path& dataFolder);

// A folder that is among them already stays where it is. Error{NotFound, InvalidArgument (no
// folder, a name that is no text, too many), DiskFull, Io}.
Result<void> addModelFolder(const std::filesystem::path& dataFolder,
                            const std::filesystem::path& folder);

// The folder's files stay. Error{NotFound} where it was not among them; DiskFull, Io.
Result<void> removeModelFolder(const std::filesystem::path& dataFolder,
                               const std::filesystem::path& folder);

// Whether the path is the folder's or leads below it, by the names alone.
bool isBelow(const std::filesystem::path& path, const std::filesystem::path& folder);

} // namespace kinora::core
