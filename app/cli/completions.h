#pragma once
// Completions for bash, zsh and fish, from the table of commands.

#include <string>
#include <string_view>

namespace kinora::app {

// shell: "bash", "zsh" or "fish"; empty text for any other.
std::string completions(std::string_view shell);

} // namespace kinora::app
