#pragma once
// The man page, from the table of commands.

#include <string>

namespace kinora::app {

// roff with the man macros. version: "0.1.0".
std::string manPage(const std::string& version);

} // namespace kinora::app
