#include "pipelines/schedulers/scheduler_config.h"

#include "kernels/base/error.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace kinora::pipelines {

using nlohmann::json;

namespace {

// Any value as a short text for a message.
std::string shown(const json& value) {
    constexpr size_t most = 60;
    std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > most) text = text.substr(0, most) + "...";
    return text;
}

template <typename Number> std::string range(Number low, Number high) {
    return " from " + json(low).dump() + " to " + json(high).dump();
}

} // namespace

SchedulerConfig::SchedulerConfig(const json& config, std::string_view className,
                                 std::string_view file)
    : m_config(config), m_className(className), m_file(file) {
    if (!config.is_object())
        throw Error(ErrorCode::BadFile, m_file + ": a JSON object was expected.",
                    "Fetch the model again.");
}

const json* SchedulerConfig::find(std::string_view key) const {
    const auto found = m_config.find(key);
    return found == m_config.end() ? nullptr : &*found;
}

void SchedulerConfig::bad(std::string_view key, const std::string& expected) const {
    const json* value = find(key);
    throw Error(ErrorCode::BadFile,
                m_file + ": \"" + std::string(key) + "\" is " + (value ? shown(*value) : "absent") +
                    "; expected " + expected + ".",
                "The model's config is damaged or made by hand; fetch the model again.");
}

void SchedulerConfig::unsupported(std::string_view key, std::string_view why) const {
    const json* value = find(key);
    throw Error(ErrorCode::Unsupported,
                m_file + ": \"" + std::string(key) + "\": " + (value ? shown(*value) : "absent") +
                    " is not supported by " + m_className +
                    (why.empty() ? "." : ": " + std::string(why) + "."),
                "Choose another sampler, or another model.");
}

bool SchedulerConfig::flag(std::string_view key, bool fallback) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (value->is_null()) return false;
    if (!value->is_boolean()) bad(key, "true or false");
    return value->get<bool>();
}

int64_t SchedulerConfig::integer(std::string_view key, int64_t fallback, int64_t low,
                                 int64_t high) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (!value->is_number_integer()) bad(key, "an integer" + range(low, high));
    const bool huge = value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX;
    const int64_t whole = huge ? 0 : value->get<int64_t>();
    if (huge || whole < low || whole > high) bad(key, "an integer" + range(low, high));
    return whole;
}

double SchedulerConfig::number(std::string_view key, double fallback, double low,
                               double high) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (!value->is_number()) bad(key, "a number" + range(low, high));
    const auto real = value->get<double>();
    if (!(real >= low && real <= high)) // also NaN
        bad(key, "a number" + range(low, high));
    return real;
}

std::optional<double> SchedulerConfig::optionalNumber(std::string_view key, double low,
                                                      double high) const {
    const json* value = find(key);
    if (!value || value->is_null()) return std::nullopt;
    return number(key, 0, low, high);
}

std::optional<std::vector<double>> SchedulerConfig::optionalNumbers(std::string_view key,
                                                                    double low, double high) const {
    const json* value = find(key);
    if (!value || value->is_null()) return std::nullopt;
    if (!value->is_array()) bad(key, "a list of numbers" + range(low, high));
    std::vector<double> numbers;
    for (const json& entry : *value) {
        if (!entry.is_number()) bad(key, "a list of numbers" + range(low, high));
        const auto real = entry.get<double>();
        if (!(real >= low && real <= high)) bad(key, "a list of numbers" + range(low, high));
        numbers.push_back(real);
    }
    return numbers;
}

double SchedulerConfig::numberOrMinusInfinity(std::string_view key) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const json* value = find(key);
    if (!value || value->is_null() || *value == "-Infinity") return -infinity;
    return number(key, -infinity, -infinity, infinity);
}

bool SchedulerConfig::isSet(std::string_view key) const {
    const json* value = find(key);
    return value && !value->is_null();
}

std::string SchedulerConfig::choice(std::string_view key, std::string_view fallback,
                                    const std::vector<std::string_view>& known) const {
    const json* value = find(key);
    if (!value) return std::string(fallback);
    if (!value->is_string()) bad(key, "a text");
    const auto& text = value->get_ref<const std::string&>();
    if (std::ranges::find(known, text) != known.end()) return text;
    std::string names = "it has";
    for (std::string_view name : known)
        names += (name == known.front() ? " " : ", ") + std::string(name);
    unsupported(key, names);
}

int64_t SchedulerConfig::trainTimesteps() const {
    return integer("num_train_timesteps", 1000, 2, 100'000);
}

} // namespace kinora::pipelines
