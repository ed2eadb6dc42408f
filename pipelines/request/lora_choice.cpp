#include "pipelines/request/lora_choice.h"

#include "pipelines/request/trailing_numbers.h"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

namespace kinora::pipelines {
namespace {

constexpr size_t kNumbers = 2;

bool isSane(double weight) {
    return std::isfinite(weight) && std::abs(weight) <= kMostLoraWeight;
}

std::string numberText(double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

std::string_view nameOf(std::string_view text) {
    takeTrailingNumbers(text, kNumbers);
    return text;
}

} // namespace

std::optional<LoraChoice> parseLoraChoice(std::string_view text) {
    LoraChoice choice;
    if (const std::vector<double> numbers = takeTrailingNumbers(text, kNumbers); !numbers.empty()) {
        choice.weight = numbers.front();
        choice.textWeight = numbers.back();
    }
    choice.name = text;
    const bool sane = isSane(choice.weight) && isSane(choice.textWeight);
    return sane && !choice.name.empty() ? std::optional(std::move(choice)) : std::nullopt;
}

std::string toText(const LoraChoice& choice) {
    const std::string weight = ":" + numberText(choice.weight),
                      both = weight + ":" + numberText(choice.textWeight);
    // A name that ends like a weight needs all of them behind it.
    for (const std::string& numbers : {std::string(), weight})
        if (const auto read = parseLoraChoice(choice.name + numbers);
            read && read->name == choice.name && read->weight == choice.weight &&
            read->textWeight == choice.textWeight)
            return choice.name + numbers;
    return choice.name + both;
}

std::string withLoraName(std::string_view text, std::string_view name) {
    return std::string(name).append(text.substr(nameOf(text).size()));
}

} // namespace kinora::pipelines
