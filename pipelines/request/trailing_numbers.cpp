#include "pipelines/request/trailing_numbers.h"

#include <array>
#include <charconv>
#include <system_error>

namespace kinora::pipelines {

std::vector<double> takeTrailingNumbers(std::string_view& text, size_t most) {
    std::vector<double> numbers;
    while (numbers.size() < most) {
        const size_t colon = text.rfind(':');
        if (colon == std::string_view::npos) break;
        const std::string_view digits = text.substr(colon + 1);
        double value = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc() || end != digits.data() + digits.size()) break;
        numbers.insert(numbers.begin(), value);
        text = text.substr(0, colon);
    }
    return numbers;
}

std::string numberText(double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    return {buffer.data(), end};
}

} // namespace kinora::pipelines
