#pragma once
// Lines that work, for the end of a command's help and for the man page: most people begin with one
// of these and change it.

#include <span>
#include <string_view>

namespace kinora::app {

// As typed into a shell, each in one line of at most 76 bytes; none where the command has no need.
std::span<const std::string_view> examplesOf(std::string_view command);

} // namespace kinora::app
