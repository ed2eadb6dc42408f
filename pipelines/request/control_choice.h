#pragma once
// One ControlNet or T2I-Adapter of a request, as it is written: "canny", "canny:0.8",
// "canny:0.8:0:0.5", "/models/canny.safetensors:0.8". The numbers are its weight, and the shares of
// the run at which it begins and ends to count.

#include <optional>
#include <string>
#include <string_view>

namespace kinora::pipelines {

inline constexpr double kMostControlWeight = 100;

struct ControlChoice {
    std::string name; // or file
    double weight = 1;
    double begin = 0, end = 1; // 0 <= begin < end <= 1
};

// nullopt where there is no name, or a number is beyond what makes sense.
std::optional<ControlChoice> parseControlChoice(std::string_view text);

// As short as says it.
std::string toText(const ControlChoice& choice);

// The same with another name: where a file was found, or what a picture's metadata calls it.
std::string withControlName(std::string_view text, std::string_view name);

} // namespace kinora::pipelines
