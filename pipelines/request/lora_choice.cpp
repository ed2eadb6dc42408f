#include "pipelines/request/lora_choice.h"

#include "pipelines/request/trailing_numbers.h"

#include <cmath>
#include <vector>

namespace kinora::pipelines {
namespace {

constexpr size_t kNumbers = 2;
constexpr std::string_view kBlocks = ":lbw=";

bool isSane(double weight) {
    return std::isfinite(weight) && std::abs(weight) <= kMostLoraWeight;
}

// Takes what is said of blocks off the end; nullopt where nothing is.
std::optional<std::string_view> takeBlocks(std::string_view& text) {
    const size_t begin = text.rfind(kBlocks);
    if (begin == std::string_view::npos) return std::nullopt;
    const std::string_view blocks = text.substr(begin + kBlocks.size());
    text = text.substr(0, begin);
    return blocks;
}

std::string_view nameOf(std::string_view text) {
    takeBlocks(text);
    takeTrailingNumbers(text, kNumbers);
    return text;
}

} // namespace

std::optional<LoraChoice> parseLoraChoice(std::string_view text) {
    LoraChoice choice;
    if (const auto blocks = takeBlocks(text)) {
        choice.blocks = parseLoraBlocks(*blocks);
        if (!choice.blocks) return std::nullopt;
    }
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
    const std::string blocks =
        choice.blocks ? std::string(kBlocks) + toText(*choice.blocks) : std::string();
    // A name that ends like a weight needs all of them behind it.
    for (const std::string& numbers : {std::string(), weight})
        if (const auto read = parseLoraChoice(choice.name + numbers);
            read && read->name == choice.name && read->weight == choice.weight &&
            read->textWeight == choice.textWeight)
            return choice.name + numbers + blocks;
    return choice.name + both + blocks;
}

std::string withLoraName(std::string_view text, std::string_view name) {
    return std::string(name).append(text.substr(nameOf(text).size()));
}

} // namespace kinora::pipelines
