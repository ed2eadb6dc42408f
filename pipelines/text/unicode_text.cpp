#include "pipelines/text/unicode_text.h"

#include "kernels/base/error.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

namespace kinora::pipelines {

namespace {

using CodePoint = utf8proc_int32_t;

enum class Kind { Space, Letter, Number, Other };

// White_Space of the Unicode Standard.
bool isSpace(CodePoint c) {
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

Kind kindOf(CodePoint c) {
    if (isSpace(c)) return Kind::Space;
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return Kind::Letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return Kind::Number;
    default: return Kind::Other;
    }
}

// The character at position `at`, which moves behind it.
CodePoint next(std::string_view text, size_t& at) {
    CodePoint c = 0;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    const utf8proc_ssize_t length =
        utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    if (length <= 0)
        throw Error(ErrorCode::InvalidArgument, "The prompt is not valid UTF-8.",
                    "Give it in UTF-8.");
    at += static_cast<size_t>(length);
    return c;
}

void append(std::string& text, CodePoint c) {
    utf8proc_uint8_t bytes[4];
    const utf8proc_ssize_t length = utf8proc_encode_char(c, bytes);
    text.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

// Canonical decomposition, with runs of marks in canonical order.
std::vector<CodePoint> decompose(std::string_view text) {
    constexpr auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    constexpr int room = 16; // the longest canonical decomposition has 4
    std::vector<CodePoint> result;
    result.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        CodePoint parts[room];
        int boundary = 0;
        const utf8proc_ssize_t count =
            utf8proc_decompose_char(next(text, at), parts, room, options, &boundary);
        result.insert(result.end(), parts, parts + std::clamp<utf8proc_ssize_t>(count, 0, room));
    }
    const auto markClass = [](CodePoint c) { return utf8proc_get_property(c)->combining_class; };
    // utf8proc's own ordering compares neighbours and takes a square of a long run's length.
    for (auto begin = result.begin(); begin != result.end();) {
        const auto isMark = [&](CodePoint c) { return markClass(c) != 0; };
        begin = std::find_if(begin, result.end(), isMark);
        const auto end = std::find_if_not(begin, result.end(), isMark);
        std::stable_sort(begin, end,
                         [&](CodePoint a, CodePoint b) { return markClass(a) < markClass(b); });
        begin = end;
    }
    return result;
}

size_t contractionAt(std::string_view text) {
    for (std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
        if (text.starts_with(ending)) return ending.size();
    return 0;
}

// The tokenizer's pattern knows these two in full, but what follows it cuts them in three.
size_t markerAt(std::string_view text) {
    for (std::string_view marker : {"<|startoftext|>", "<|endoftext|>"})
        if (text.starts_with(marker)) return marker.size();
    return 0;
}

} // namespace

std::string normalizeText(std::string_view text) {
    std::vector<CodePoint> points = decompose(text);
    constexpr auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const utf8proc_ssize_t count = utf8proc_normalize_utf32(
        points.data(), static_cast<utf8proc_ssize_t>(points.size()), options);
    points.resize(static_cast<size_t>(std::max<utf8proc_ssize_t>(count, 0)));
    std::string result;
    result.reserve(text.size());
    bool afterSpace = false;
    for (CodePoint c : points) {
        const bool space = isSpace(c);
        if (space && afterSpace) continue;
        afterSpace = space;
        append(result, space ? ' ' : utf8proc_tolower(c));
        if (c == 0x130) append(result, 0x307); // the one whose full lower case is two characters
    }
    return result;
}

void splitWords(std::string_view text, const std::function<void(std::string_view)>& word) {
    for (size_t begin = 0; begin < text.size();) {
        const std::string_view rest = text.substr(begin);
        if (const size_t marker = markerAt(rest)) {
            word(rest.substr(0, 2));
            word(rest.substr(2, marker - 4));
            word(rest.substr(marker - 2, 2));
            begin += marker;
            continue;
        }
        size_t end = begin + contractionAt(rest);
        if (end == begin) {
            const Kind kind = kindOf(next(text, end));
            for (size_t ahead = end; kind != Kind::Number && ahead < text.size(); end = ahead)
                if (kindOf(next(text, ahead)) != kind) break;
            if (kind == Kind::Space) {
                begin = end;
                continue;
            }
        }
        word(text.substr(begin, end - begin));
        begin = end;
    }
}

} // namespace kinora::pipelines
