#include "pipelines/request/ip_adapter_choice.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace kinora::pipelines {

namespace {

// A project calls files that it keeps asset:HASH; that colon is a part of the name.
constexpr std::string_view kAsset = "asset:";

} // namespace

std::optional<IpAdapterChoice> parseIpAdapterChoice(std::string_view text) {
    const size_t first = text.find(':', text.starts_with(kAsset) ? kAsset.size() : 0);
    if (first == std::string_view::npos || first == 0) return std::nullopt;
    IpAdapterChoice choice;
    choice.adapter = text.substr(0, first);
    std::string_view rest = text.substr(first + 1);
    const size_t inName = rest.starts_with(kAsset) ? kAsset.size() : 0;
    if (const size_t last = rest.rfind(':'); last != std::string_view::npos && last >= inName) {
        const std::string_view digits = rest.substr(last + 1);
        double weight = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), weight);
        if (error == std::errc() && end == digits.data() + digits.size()) {
            choice.weight = weight;
            rest = rest.substr(0, last);
        }
    }
    choice.picture = rest;
    const bool sane =
        std::isfinite(choice.weight) && std::abs(choice.weight) <= kMostIpAdapterWeight;
    return sane && !choice.picture.empty() ? std::optional(std::move(choice)) : std::nullopt;
}

std::string toText(const IpAdapterChoice& choice) {
    std::string text = choice.adapter + ":" + choice.picture;
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), choice.weight).ptr;
    return text + ":" + std::string(digits.data(), end);
}

std::vector<IpAdapterChoice> ipAdapterChoices(const ImageRequest& request) {
    std::vector<IpAdapterChoice> choices;
    for (const std::string& text : request.ipAdapters)
        if (auto choice = parseIpAdapterChoice(text)) choices.push_back(*std::move(choice));
    return choices;
}

std::vector<size_t> adapterNumbers(const std::vector<IpAdapterChoice>& choices) {
    std::vector<std::string> names;
    std::vector<size_t> numbers;
    for (const IpAdapterChoice& choice : choices) {
        const auto known = std::ranges::find(names, choice.adapter);
        numbers.push_back(static_cast<size_t>(known - names.begin()));
        if (known == names.end()) names.push_back(choice.adapter);
    }
    return numbers;
}

} // namespace kinora::pipelines
