#pragma once
// What Kinora leaves where it is killed while it writes: hidden files and folders beside the one
// that was to be.

#include <filesystem>

namespace kinora::core {

// Removes from `folder` files of AtomicFile, and folders of packing and unpacking, into which
// nobody has written for an hour. Files that the queue wrote stay: it knows them by name and goes
// on from them. What cannot be removed stays too. Any thread.
void removeOldTemporaries(const std::filesystem::path& folder);

} // namespace kinora::core
