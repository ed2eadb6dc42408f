#pragma once
// Tables and lists come from spreadsheets and editors of all kinds; here they become UTF-8.

#include <string>
#include <string_view>

namespace kinora::core {

// UTF-8 and UTF-16 by their marks (which go); without one, UTF-8 where it is that, UTF-16 where
// half of the bytes are zeros, else Windows-1252, of which Latin-1 is a part. Never fails.
std::string decodedText(std::string_view bytes);

} // namespace kinora::core
