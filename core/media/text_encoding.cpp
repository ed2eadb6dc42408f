#include "core/media/text_encoding.h"

#include "kernels/base/utf8.h"

#include <cstdint>

namespace kinora::core {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

void append(std::string& out, char32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0 | (c >> 6));
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0 | (c >> 12));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        out += static_cast<char>(0xF0 | (c >> 18));
        out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
}

// The character at `at`, which moves past it; nothing where the bytes are ill-formed (at moves by
// one).
std::optional<char32_t> next(std::string_view text, size_t& at) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const uint8_t first = byte(at);
    const size_t start = at++;
    if (first < 0x80) return first;
    const size_t more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
    if (first < 0xC2 || first > 0xF4 || start + more >= text.size()) return std::nullopt;
    char32_t c = first & (0x3FU >> more);
    for (size_t i = 1; i <= more; ++i) {
        if ((byte(start + i) & 0xC0) != 0x80) return std::nullopt;
        c = (c << 6) | (byte(start + i) & 0x3F);
    }
    const char32_t least = more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (c < least || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return std::nullopt;
    at = start + more + 1;
    return c;
}

} // namespace

std::string repairedUtf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) append(out, next(text, at).value_or(kReplacement));
    return out;
}

std::string latin1ToUtf8(std::string_view latin1) {
    std::string out;
    out.reserve(latin1.size());
    for (const char c : latin1) append(out, static_cast<uint8_t>(c));
    return out;
}

std::optional<std::string> utf8ToLatin1(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const std::optional<char32_t> c = next(text, at);
        if (!c || *c > 0xFF) return std::nullopt;
        out += static_cast<char>(*c);
    }
    return out;
}

std::string utf8OrLatin1(std::string_view bytes) {
    return isValidUtf8(bytes) ? std::string(bytes) : latin1ToUtf8(bytes);
}

std::string utf8ToUtf16Be(std::string_view text) {
    std::string out;
    out.reserve(text.size() * 2);
    const auto put = [&out](char32_t unit) {
        out += static_cast<char>(unit >> 8);
        out += static_cast<char>(unit & 0xFF);
    };
    for (size_t at = 0; at < text.size();) {
        const char32_t c = next(text, at).value_or(kReplacement);
        if (c < 0x10000) {
            put(c);
        } else {
            put(0xD800 + ((c - 0x10000) >> 10));
            put(0xDC00 + ((c - 0x10000) & 0x3FF));
        }
    }
    return out;
}

std::string utf16ToUtf8(std::string_view bytes) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
    bool bigEndian = true;
    size_t at = 0;
    if (bytes.size() >= 2 && byte(0) == 0xFE && byte(1) == 0xFF) {
        at = 2;
    } else if (bytes.size() >= 2 && byte(0) == 0xFF && byte(1) == 0xFE) {
        at = 2;
        bigEndian = false;
    } else {
        size_t zeros[2] = {0, 0};
        for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
            zeros[0] += byte(i) == 0;
            zeros[1] += byte(i + 1) == 0;
        }
        bigEndian = zeros[0] >= zeros[1];
    }
    const auto unit = [&](size_t i) -> char32_t {
        return bigEndian ? byte(i) << 8 | byte(i + 1) : byte(i + 1) << 8 | byte(i);
    };
    std::string out;
    for (; at + 1 < bytes.size(); at += 2) {
        const char32_t high = unit(at);
        if (high < 0xD800 || high >= 0xE000) {
            append(out, high);
            continue;
        }
        const char32_t low = at + 3 < bytes.size() ? unit(at + 2) : 0;
        if (high < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
            append(out, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            at += 2;
        } else {
            append(out, kReplacement);
        }
    }
    return out;
}

std::string trimmed(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != '\0') out += c;
    }
    const char* space = " \t\r\n";
    const size_t first = out.find_first_not_of(space);
    if (first == std::string::npos) return {};
    return out.substr(first, out.find_last_not_of(space) - first + 1);
}

std::string shownPath(const std::filesystem::path& path) {
    return repairedUtf8(path.string());
}

} // namespace kinora::core
