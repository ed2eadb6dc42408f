#include "pipelines/request/lora_choice.h"

#include <charconv>
#include <cmath>

namespace kinora::pipelines {
namespace {

// Takes ":number" off the end. A name may have colons in it: what is no number belongs to it.
std::optional<double> takeNumber(std::string_view& text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(colon + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    text = text.substr(0, colon);
    return value;
}

bool isSane(double weight) {
    return std::isfinite(weight) && std::abs(weight) <= kMostLoraWeight;
}

std::string_view nameOf(std::string_view text) {
    if (takeNumber(text)) takeNumber(text);
    return text;
}

} // namespace

std::optional<LoraChoice> parseLoraChoice(std::string_view text) {
    LoraChoice choice;
    if (const auto last = takeNumber(text)) {
        choice.weight = choice.textWeight = *last;
        if (const auto first = takeNumber(text)) choice.weight = *first;
    }
    choice.name = text;
    const bool sane = isSane(choice.weight) && isSane(choice.textWeight);
    return sane && !choice.name.empty() ? std::optional(std::move(choice)) : std::nullopt;
}

std::string withLoraName(std::string_view text, std::string_view name) {
    return std::string(name).append(text.substr(nameOf(text).size()));
}

} // namespace kinora::pipelines
