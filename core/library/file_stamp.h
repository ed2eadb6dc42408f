#pragma once
// Whether a file is the one that was read before: device, inode, size and time of change, in
// nanoseconds. What the caches of this folder know files by.

#include <filesystem>
#include <string>

struct stat;

namespace kinora::core {

// "2049:131:4096:1764000000.5".
std::string fileStamp(const struct stat& status);

// Of what the path leads to now; empty where there is nothing.
std::string fileStamp(const std::filesystem::path& path);

// Whether any change from now on gives the file another stamp: the last one is long enough ago for
// the next to have another time, which file systems tell in steps, FAT of two seconds. What is read
// of a file is to be remembered only where this was so before. False for times to come.
bool isSettled(const struct stat& status);
bool isSettled(const std::filesystem::path& path);

} // namespace kinora::core
