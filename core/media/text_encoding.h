#pragma once
// Text as picture files store it. Everything inside Kinora is UTF-8; these check and convert it.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace kinora::core {

// Ill-formed bytes become U+FFFD.
std::string repairedUtf8(std::string_view text);

std::string latin1ToUtf8(std::string_view latin1);
// Nothing where a character is above U+00FF. text must be UTF-8.
std::optional<std::string> utf8ToLatin1(std::string_view text);

// As older programs write it: UTF-8 where it is that, else Latin-1.
std::string utf8OrLatin1(std::string_view bytes);

std::string utf8ToUtf16Be(std::string_view text);
// Byte order from a mark, else from which half holds the zeros. Lone surrogates become U+FFFD.
std::string utf16ToUtf8(std::string_view bytes);

// Without NULs, which no text holds, and without white space at both ends.
std::string trimmed(std::string_view text);

// A path in a message: names of files may be of any bytes.
std::string shownPath(const std::filesystem::path& path);

} // namespace kinora::core
