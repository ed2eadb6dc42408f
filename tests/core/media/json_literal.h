#pragma once
// JSON in tests with ' for ": moc of Qt 6.4 loses its way in raw strings.

#include <algorithm>
#include <string>

namespace kinora::core::samples {

inline std::string json(std::string text) {
    std::ranges::replace(text, '\'', '"');
    return text;
}

} // namespace kinora::core::samples
