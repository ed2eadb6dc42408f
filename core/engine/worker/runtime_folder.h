#pragma once
// The folder for sockets that nobody but this user may reach: $XDG_RUNTIME_DIR/kinora, or
// /tmp/kinora-UID where that variable names no folder of ours, or one whose name is too long for a
// socket below it.

#include "kernels/base/result.h"

#include <filesystem>

namespace kinora::core {

// Makes it (0700) where it is missing. A folder that is a link, belongs to somebody else or is open
// to others is refused: Error{Io} says which. Any thread.
Result<std::filesystem::path> runtimeFolder();

// The check alone, of a folder below `parent` with this name; for tests.
Result<std::filesystem::path> privateFolder(const std::filesystem::path& parent,
                                            const std::string& name);

// Removes sockets in it whose studio (the number in "worker-PID-...") is gone.
void removeStaleSockets(const std::filesystem::path& folder);

} // namespace kinora::core
