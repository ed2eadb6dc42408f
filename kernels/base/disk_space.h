#pragma once
// How much room a disk has, and which errors say that it has none.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace kinora {

// errno of a call that wrote: the disk is full, or a quota or a limit on files is reached.
bool isDiskFull(int error);

// On the disk of that folder, which need not be there yet: the nearest one above it counts.
// nullopt: the system does not say.
std::optional<uint64_t> freeDiskBytes(const std::filesystem::path& folder);

} // namespace kinora
