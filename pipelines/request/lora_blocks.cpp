#include "pipelines/request/lora_blocks.h"

#include "pipelines/request/lora_choice.h"
#include "pipelines/request/trailing_numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <system_error>
#include <vector>

namespace kinora::pipelines {
namespace {

constexpr size_t in(size_t number) {
    return LoraBlocks::kFirstInput + number;
}
constexpr size_t out(size_t number) {
    return LoraBlocks::kFirstOutput + number;
}
constexpr size_t kBase = LoraBlocks::kBase, kMiddle = LoraBlocks::kMiddle;

// Which blocks a list of so many numbers is about, in its order.
constexpr size_t kOf12[] = {kBase,  in(4),  in(5),  in(7),  in(8),  kMiddle,
                            out(0), out(1), out(2), out(3), out(4), out(5)};
constexpr size_t kOf17[] = {kBase,  in(1),   in(2),  in(4),   in(5),  in(7),
                            in(8),  kMiddle, out(3), out(4),  out(5), out(6),
                            out(7), out(8),  out(9), out(10), out(11)};
constexpr size_t kOf20[] = {kBase,  in(0),  in(1),  in(2),   in(3),  in(4),  in(5),
                            in(6),  in(7),  in(8),  kMiddle, out(0), out(1), out(2),
                            out(3), out(4), out(5), out(6),  out(7), out(8)};
constexpr std::span<const size_t> kLists[] = {kOf12, kOf17, kOf20};

struct Preset {
    std::string_view name;
    size_t first, last; // of the blocks with that weight; and BASE
    double weight = 1;
};
constexpr Preset kPresets[] = {
    {"NONE", kBase, kBase, 0},   {"ALL", in(0), out(11)},  {"ALL0.5", in(0), out(11), 0.5},
    {"INS", in(0), in(4)},       {"IND", in(5), in(11)},   {"INALL", in(0), in(11)},
    {"MIDD", in(5), out(6)},     {"OUTD", out(0), out(6)}, {"OUTS", out(7), out(11)},
    {"OUTALL", out(0), out(11)},
};

LoraBlocks filled(const Preset& preset) {
    LoraBlocks blocks;
    blocks.weights[kBase] = preset.weight;
    for (size_t i = preset.first; i <= preset.last; ++i) blocks.weights[i] = preset.weight;
    return blocks;
}

// nullopt where one of them is no number.
std::optional<std::vector<double>> numbersIn(std::string_view text) {
    std::vector<double> numbers;
    while (numbers.size() <= LoraBlocks::kCount) {
        const size_t comma = std::min(text.find(','), text.size());
        std::string_view digits = text.substr(0, comma);
        while (digits.starts_with(' ')) digits.remove_prefix(1);
        while (digits.ends_with(' ')) digits.remove_suffix(1);
        double value = 0;
        const char* const end = digits.data() + digits.size();
        const auto [read, error] = std::from_chars(digits.data(), end, value);
        if (error != std::errc() || read != end || !std::isfinite(value) ||
            std::abs(value) > kMostLoraWeight)
            return std::nullopt;
        numbers.push_back(value);
        if (comma == text.size()) break;
        text.remove_prefix(comma + 1);
    }
    return numbers;
}

} // namespace

std::optional<LoraBlocks> parseLoraBlocks(std::string_view text) {
    if (const auto* preset = std::ranges::find(kPresets, text, &Preset::name);
        preset != std::end(kPresets))
        return filled(*preset);
    const std::optional<std::vector<double>> numbers = numbersIn(text);
    if (!numbers) return std::nullopt;
    LoraBlocks blocks;
    if (numbers->size() == LoraBlocks::kCount) {
        std::ranges::copy(*numbers, blocks.weights.begin());
        return blocks;
    }
    for (const std::span<const size_t> list : kLists) {
        if (list.size() != numbers->size()) continue;
        for (size_t i = 0; i < list.size(); ++i) blocks.weights[list[i]] = (*numbers)[i];
        return blocks;
    }
    return std::nullopt;
}

std::string toText(const LoraBlocks& blocks) {
    for (const Preset& preset : kPresets)
        if (filled(preset) == blocks) return std::string(preset.name);
    std::string text;
    for (const double weight : blocks.weights)
        text += (text.empty() ? "" : ",") + numberText(weight);
    return text;
}

} // namespace kinora::pipelines
