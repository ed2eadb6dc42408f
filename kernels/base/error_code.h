#pragma once
// Codes of errors from their names, where an error was stored or sent: the way back from
// errorCodeName.

#include "kernels/base/error.h"

#include <optional>
#include <string_view>

namespace kinora {

// nullopt: no code is called so.
std::optional<ErrorCode> errorCodeNamed(std::string_view name);

} // namespace kinora
