#include "pipelines/request/free_u.h"

#include "pipelines/request/trailing_numbers.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kinora::pipelines {

std::optional<FreeU> parseFreeU(std::string_view text) {
    if (text == "off") return FreeU{};
    const std::string behindColon = ":" + std::string(text);
    std::string_view left = behindColon;
    const std::vector<double> numbers = takeTrailingNumbers(left, 4);
    const auto isSane = [](double value) { return value >= 0 && value <= kMostFreeU; };
    if (numbers.size() != 4 || !left.empty() || !std::ranges::all_of(numbers, isSane))
        return std::nullopt;
    return FreeU{numbers[0], numbers[1], numbers[2], numbers[3]};
}

} // namespace kinora::pipelines
