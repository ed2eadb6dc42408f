#pragma once
// --help, from the table of commands.

#include "app/cli/command_table.h"

#include <string>

namespace kinora::app {

// The whole program, or one command. Lines of at most 80 columns.
std::string helpText(const CommandSpec* command);

// Words of `text` in lines of at most `width` columns, each after `indent` spaces but the first.
std::string wrapped(const std::string& text, size_t width, size_t indent);

} // namespace kinora::app
