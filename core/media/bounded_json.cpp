#include "core/media/bounded_json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace kinora::core {

namespace {

constexpr size_t kMaximumBytes = 16U << 20;
constexpr int kMaximumDepth = 64;

// The text with the names of non-finite numbers, outside strings, made null.
std::string withoutNonFinite(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool inString = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString && c == '\\' && i + 1 < text.size()) out += text[i++];
        if (c == '"') inString = !inString;
        size_t skipped = 0;
        if (!inString) {
            for (const std::string_view name : {"NaN", "-Infinity", "Infinity"}) {
                if (text.substr(i, name.size()) == name) skipped = std::max(skipped, name.size());
            }
        }
        if (skipped == 0) {
            out += text[i];
        } else {
            out += "null";
            i += skipped - 1;
        }
    }
    return out;
}

int deepestLevel(std::string_view text) {
    int depth = 0;
    int deepest = 0;
    bool inString = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (inString && c == '\\') {
            ++i;
        } else if (c == '"') {
            inString = !inString;
        } else if (!inString && (c == '[' || c == '{')) {
            deepest = std::max(deepest, ++depth);
        } else if (!inString && (c == ']' || c == '}')) {
            --depth;
        }
    }
    return deepest;
}

template <typename Json>
Result<Json> parseBounded(std::string_view text, size_t maximumBytes, NonFiniteNumbers numbers) {
    if (text.size() > maximumBytes) {
        return Error(ErrorCode::BadFile,
                     "the JSON text is larger than " + std::to_string(maximumBytes >> 20) + " MiB");
    }
    if (deepestLevel(text) > kMaximumDepth) {
        return Error(ErrorCode::BadFile, "the JSON text is nested deeper than 64 levels");
    }
    try {
        if (numbers == NonFiniteNumbers::AsNull) return Json::parse(withoutNonFinite(text));
        return Json::parse(text);
    } catch (const typename Json::parse_error& error) {
        // Not what(): it quotes the text's own bytes, which need not be UTF-8.
        return Error(ErrorCode::BadFile,
                     "the JSON text is malformed from byte " + std::to_string(error.byte) + " on");
    } catch (const typename Json::exception&) { // a number beyond what a double holds
        return Error(ErrorCode::BadFile, "the JSON text holds a number that is out of range");
    }
}

} // namespace

Result<nlohmann::json> parseBoundedJson(std::string_view text, NonFiniteNumbers numbers) {
    return parseBounded<nlohmann::json>(text, kMaximumBytes, numbers);
}

Result<nlohmann::ordered_json> parseBoundedOrderedJson(std::string_view text, size_t maximumBytes) {
    return parseBounded<nlohmann::ordered_json>(text, maximumBytes, NonFiniteNumbers::Refuse);
}

} // namespace kinora::core
