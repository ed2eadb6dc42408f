#include "core/project/decoded_text.h"

#include "core/media/text_encoding.h"
#include "kernels/base/utf8.h"

#include <algorithm>
#include <array>

namespace kinora::core {
namespace {

// What Windows-1252 has where Latin-1 has control characters, 0x80 to 0x9F. Source: the WHATWG
// Encoding Standard, index windows-1252.
constexpr std::array<const char*, 32> kWindows1252 = {
    "€",     nullptr, "‚", "ƒ", "„", "…", "†", "‡", "ˆ", "‰", "Š", "‹", "Œ", nullptr, "Ž", nullptr,
    nullptr, "‘",     "’", "“", "”", "•", "–", "—", "˜", "™", "š", "›", "œ", nullptr, "ž", "Ÿ"};

std::string windows1252ToUtf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        const bool special = byte >= 0x80 && byte < 0xA0 && kWindows1252[byte - 0x80];
        text += special ? std::string(kWindows1252[byte - 0x80]) : latin1ToUtf8({&c, 1});
    }
    return text;
}

// Text in UTF-16 without a mark: nearly every second byte of Latin letters is a zero.
bool looksLikeUtf16(std::string_view bytes) {
    if (bytes.size() < 2 || bytes.size() % 2 != 0) return false;
    const auto zeros = static_cast<size_t>(std::ranges::count(bytes, '\0'));
    return zeros * 4 >= bytes.size();
}

} // namespace

std::string decodedText(std::string_view bytes) {
    if (bytes.starts_with("\xEF\xBB\xBF")) return repairedUtf8(bytes.substr(3));
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF") || looksLikeUtf16(bytes))
        return utf16ToUtf8(bytes);
    if (isValidUtf8(bytes)) return std::string(bytes);
    return windows1252ToUtf8(bytes);
}

} // namespace kinora::core
