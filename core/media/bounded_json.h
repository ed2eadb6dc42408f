#pragma once
// JSON from strangers: bounded in size and depth before a parser sees it.

#include "kernels/base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string_view>

namespace kinora::core {

enum class NonFiniteNumbers {
    Refuse, // as JSON says
    AsNull, // NaN and Infinity, which Python's json module writes, are read as null
};

// At most 16 MiB and 64 levels. Error{BadFile}, which says what is wrong but not in which file.
Result<nlohmann::json> parseBoundedJson(std::string_view text,
                                        NonFiniteNumbers numbers = NonFiniteNumbers::Refuse);

// The same, with the order of its fields kept, and a limit of the caller's: for files that are
// written back.
Result<nlohmann::ordered_json> parseBoundedOrderedJson(std::string_view text, size_t maximumBytes);

} // namespace kinora::core
