#include "pipelines/request/control_choice.h"

#include "pipelines/request/trailing_numbers.h"

#include <cmath>
#include <vector>

namespace kinora::pipelines {
namespace {

constexpr size_t kNumbers = 3;

} // namespace

std::optional<ControlChoice> parseControlChoice(std::string_view text) {
    const std::vector<double> numbers = takeTrailingNumbers(text, kNumbers);
    ControlChoice choice;
    choice.name = text;
    if (!numbers.empty()) choice.weight = numbers[0];
    if (numbers.size() > 1) choice.begin = numbers[1];
    if (numbers.size() > 2) choice.end = numbers[2];
    const bool sane = std::isfinite(choice.weight) &&
                      std::abs(choice.weight) <= kMostControlWeight && choice.begin >= 0 &&
                      choice.begin < choice.end && choice.end <= 1;
    return sane && !choice.name.empty() ? std::optional(std::move(choice)) : std::nullopt;
}

std::string toText(const ControlChoice& choice) {
    std::string text = choice.name;
    const bool ranged = choice.begin != 0 || choice.end != 1;
    if (choice.weight != 1 || ranged) text += ":" + numberText(choice.weight);
    if (ranged) text += ":" + numberText(choice.begin) + ":" + numberText(choice.end);
    return text;
}

std::string withControlName(std::string_view text, std::string_view name) {
    std::string_view own = text;
    takeTrailingNumbers(own, kNumbers);
    return std::string(name).append(text.substr(own.size()));
}

} // namespace kinora::pipelines
