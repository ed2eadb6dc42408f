// Checks of single values, and their way from and to text and JSON.

#include "kernels/base/error.h"
#include "kernels/base/utf8.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <type_traits>

namespace kinora::pipelines {

namespace {

using nlohmann::json;

template <typename T> struct Unwrapped {
    using Type = T;
};
template <typename T> struct Unwrapped<std::optional<T>> {
    using Type = T;
};
using TextList = std::vector<std::string>;

// The plain type behind a field: std::string, int64_t, double or TextList.
template <typename Member>
using ValueOf = typename Unwrapped<
    std::remove_cvref_t<decltype(std::declval<ImageRequest>().*std::declval<Member>())>>::Type;

// nullptr where an optional field is unset.
template <typename T> const T* valueIn(const T& field) {
    return &field;
}
template <typename T> const T* valueIn(const std::optional<T>& field) {
    return field ? &*field : nullptr;
}

std::string numberText(double value) {
    char buffer[32];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    return {buffer, end};
}

std::string limitText(double value) {
    constexpr auto most = std::numeric_limits<int64_t>::max();
    if (value >= static_cast<double>(most)) return std::to_string(most);
    return value == std::floor(value) ? std::to_string(static_cast<int64_t>(value))
                                      : numberText(value);
}

std::string rangeText(const Parameter& parameter) {
    std::string text = limitText(parameter.minimum) + " to " + limitText(parameter.maximum);
    if (parameter.multipleOf > 1) text += ", a multiple of " + std::to_string(parameter.multipleOf);
    return text;
}

template <typename T> bool isEmptyList(const T& value) {
    if constexpr (std::is_same_v<T, TextList>)
        return value.empty();
    else
        return false;
}

std::string joined(const TextList& entries) {
    std::string text;
    for (const std::string& entry : entries) {
        if (!text.empty()) text.append(1, kListSeparator).append(1, ' ');
        text += entry;
    }
    return text;
}

std::string joined(std::span<const std::string_view> names) {
    std::string text;
    for (std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
    return text;
}

// Hostile text goes into messages: short, and only where it is text.
std::string shown(std::string_view value) {
    constexpr size_t most = 80;
    if (!isValidUtf8(value)) return "(not text)";
    size_t end = std::min(value.size(), most);
    while (end < value.size() && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80)
        --end; // not within a character
    std::string text = "'";
    text.append(value.substr(0, end)).append(end < value.size() ? "...'" : "'");
    return text;
}

[[noreturn]] void refuse(const Parameter& parameter, const std::string& problem,
                         std::string advice) {
    throw Error(ErrorCode::InvalidArgument, std::string(parameter.name) + ": " + problem,
                std::move(advice));
}

template <typename Value>
[[noreturn]] void outOfRange(const Parameter& parameter, const Value& value) {
    std::string text;
    if constexpr (std::is_same_v<Value, double>)
        text = numberText(value);
    else if constexpr (std::is_integral_v<Value>)
        text = std::to_string(value);
    else
        text = shown(value);
    // -1 is how other programs ask for a random seed.
    const bool mayBeUnset = std::holds_alternative<std::monostate>(parameter.fallback);
    refuse(parameter, text + " is out of range.",
           "Use " + rangeText(parameter) + (mayBeUnset ? ", or leave it out." : "."));
}

void check(const Parameter& parameter, int64_t value) {
    const auto number = static_cast<double>(value);
    if (number < parameter.minimum || number > parameter.maximum) outOfRange(parameter, value);
    const int64_t below = value - value % parameter.multipleOf;
    if (value == below) return;
    refuse(parameter,
           std::to_string(value) + " is not a multiple of " + std::to_string(parameter.multipleOf) +
               ".",
           "Use " + std::to_string(below) + " or " + std::to_string(below + parameter.multipleOf) +
               ".");
}

void check(const Parameter& parameter, double value) {
    if (!std::isfinite(value) || value < parameter.minimum || value > parameter.maximum)
        outOfRange(parameter, value);
}

void check(const Parameter& parameter, const std::string& value) {
    if (static_cast<double>(value.size()) > parameter.maximum)
        refuse(parameter, std::to_string(value.size()) + " bytes are too long.",
               "Use at most " + limitText(parameter.maximum) + " bytes.");
    if (!isValidUtf8(value)) refuse(parameter, "the text is not valid UTF-8.", "Give it in UTF-8.");
    if (value.find('\0') != std::string::npos)
        refuse(parameter, "the text has a zero byte in it.", "Take it out.");
    if (!parameter.choices.empty() &&
        std::ranges::find(parameter.choices, value) == parameter.choices.end())
        refuse(parameter, shown(value) + " is not known.",
               "Use one of: " + joined(parameter.choices) + ".");
    if (parameter.rule && !parameter.rule(value).empty())
        refuse(parameter, shown(value) + " is not understood.",
               "Use " + std::string(parameter.rule(value)) + ".");
}

// Between separators, without the blanks around; empty ones are left out.
TextList splitList(std::string_view text) {
    TextList entries;
    while (!text.empty()) {
        const size_t end = std::min(text.find(kListSeparator), text.size());
        std::string_view entry = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const size_t first = entry.find_first_not_of(" \t\n");
        if (first == std::string_view::npos) continue;
        entry = entry.substr(first, entry.find_last_not_of(" \t\n") - first + 1);
        entries.emplace_back(entry);
    }
    return entries;
}

void check(const Parameter& parameter, const TextList& values) {
    if (values.size() > kMostListEntries)
        refuse(parameter, std::to_string(values.size()) + " are too many.",
               "Use at most " + std::to_string(kMostListEntries) + ".");
    for (const std::string& value : values) {
        check(parameter, value);
        // As text it would be another list. An empty entry waits for its value; text leaves it out.
        if (!value.empty() && splitList(value) != TextList{value})
            refuse(parameter, shown(value) + " cannot stand in a list.",
                   std::string("Leave out '") + kListSeparator + "' and blanks at its ends.");
    }
}

template <typename Number>
Number parseNumber(const Parameter& parameter, std::string_view text, const char* kind) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range && end == text.data() + text.size())
        outOfRange(parameter, text);
    if (error != std::errc() || end != text.data() + text.size())
        refuse(parameter, shown(text) + " is not " + kind + ".",
               "Use " + rangeText(parameter) + ".");
    return value;
}

template <typename T> T parse(const Parameter& parameter, std::string_view text) {
    if constexpr (std::is_same_v<T, std::string>)
        return std::string(text);
    else if constexpr (std::is_same_v<T, TextList>)
        return splitList(text);
    else if constexpr (std::is_same_v<T, int64_t>)
        return parseNumber<int64_t>(parameter, text, "a whole number");
    else
        return parseNumber<double>(parameter, text, "a number");
}

template <typename T> T fromJsonValue(const Parameter& parameter, const json& value) {
    const auto expect = [&](bool fits, const char* kind) {
        if (!fits)
            refuse(parameter,
                   std::string("expected ") + kind + ", found " + value.type_name() + ".",
                   "See 'kinora image --help'.");
    };
    if constexpr (std::is_same_v<T, std::string>) {
        expect(value.is_string(), "a text");
    } else if constexpr (std::is_same_v<T, TextList>) {
        expect(value.is_array(), "a list of texts");
        for (const json& entry : value) expect(entry.is_string(), "a list of texts");
    } else if constexpr (std::is_same_v<T, int64_t>) {
        expect(value.is_number_integer(), "a whole number");
        constexpr auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
        if (value.is_number_unsigned() && value.get<uint64_t>() > most)
            outOfRange(parameter, value.get<uint64_t>());
    } else {
        expect(value.is_number(), "a number");
    }
    return value.get<T>();
}

} // namespace

void validate(const ImageRequest& request) {
    for (const Parameter& parameter : imageParameters())
        std::visit(
            [&](auto field) {
                if (const auto* value = valueIn(request.*field)) check(parameter, *value);
            },
            parameter.field);
    if (request.seed && *request.seed > std::numeric_limits<int64_t>::max() - (request.count - 1))
        throw Error(ErrorCode::InvalidArgument,
                    "seed: " + std::to_string(*request.seed) + " leaves no seeds for " +
                        std::to_string(request.count) + " pictures.",
                    "Use a smaller seed or count.");
}

void setFromText(ImageRequest& request, const Parameter& parameter, std::string_view text) {
    std::visit(
        [&](auto field) {
            const auto value = parse<ValueOf<decltype(field)>>(parameter, text);
            check(parameter, value);
            request.*field = value;
        },
        parameter.field);
}

void addFromText(ImageRequest& request, const Parameter& parameter, std::string_view text) {
    const auto* list = std::get_if<TextList ImageRequest::*>(&parameter.field);
    if (!list) return setFromText(request, parameter, text);
    TextList values = request.**list;
    values.emplace_back(text);
    check(parameter, values);
    request.** list = std::move(values);
}

std::optional<std::string> toText(const ImageRequest& request, const Parameter& parameter) {
    return std::visit(
        [&](auto field) -> std::optional<std::string> {
            const auto* value = valueIn(request.*field);
            if (!value) return std::nullopt;
            if constexpr (std::is_same_v<ValueOf<decltype(field)>, std::string>)
                return *value;
            else if constexpr (std::is_same_v<ValueOf<decltype(field)>, TextList>)
                return joined(*value);
            else if constexpr (std::is_same_v<ValueOf<decltype(field)>, int64_t>)
                return std::to_string(*value);
            else
                return numberText(*value);
        },
        parameter.field);
}

json toJson(const ImageRequest& request) {
    json result = json::object();
    for (const Parameter& parameter : imageParameters())
        std::visit(
            [&](auto field) {
                const auto* value = valueIn(request.*field);
                if (value && !isEmptyList(*value)) result[std::string(parameter.name)] = *value;
            },
            parameter.field);
    return result;
}

ImageRequest imageRequestFromJson(const json& object) {
    if (!object.is_object())
        throw Error(ErrorCode::InvalidArgument,
                    std::string("A request must be a JSON object; found ") + object.type_name() +
                        ".");
    ImageRequest request;
    for (const auto& [key, value] : object.items()) {
        const Parameter* parameter = findImageParameter(key);
        if (!parameter)
            throw Error(ErrorCode::InvalidArgument,
                        "A request has no parameter " + shown(key) + ".",
                        "It may come from a newer version of Kinora.");
        std::visit(
            [&](auto field) {
                request.*field = fromJsonValue<ValueOf<decltype(field)>>(*parameter, value);
            },
            parameter->field);
    }
    validate(request);
    return request;
}

} // namespace kinora::pipelines
