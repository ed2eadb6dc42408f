#pragma once
// The command line, taken apart by the table of commands.
//
//     Arguments arguments = parseArguments({argv + 1, argv + argc});   // throws Error
//     if (auto steps = arguments.value("steps")) ...

#include "app/cli/command_table.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinora::app {

class Arguments {
  public:
    const CommandSpec* command = nullptr;                     // none: the window
    std::vector<std::string> positional;                      // what is not an option
    std::vector<std::pair<std::string, std::string>> options; // name and value, as they came

    bool has(std::string_view name) const;
    // The value given last.
    std::optional<std::string> value(std::string_view name) const;
    std::vector<std::string> values(std::string_view name) const;
    // Throws Error{InvalidArgument} that names option, value and range.
    int64_t integer(std::string_view name, int64_t fallback, int64_t minimum,
                    int64_t maximum) const;
};

// Throws Error{InvalidArgument}: unknown command or option (with the nearest that there is), a
// value that is missing, empty or not among the choices, an option given twice that cannot be.
// With --help or --version a command's own arguments are not asked for.
Arguments parseArguments(const std::vector<std::string>& words);

} // namespace kinora::app
