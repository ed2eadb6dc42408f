#pragma once
// The one question that everything read from outside is asked before it is taken for text.

#include <string_view>

namespace kinora {

// Whether the bytes are well-formed UTF-8: no overlong forms, no surrogates, nothing above
// U+10FFFF. Source: The Unicode Standard, table 3-7.
bool isValidUtf8(std::string_view text);

} // namespace kinora
