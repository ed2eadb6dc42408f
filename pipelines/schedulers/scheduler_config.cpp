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

} // namespace

SchedulerConfig::SchedulerConfig(const json& config, std::string_view className)
    : m_config(config), m_className(className) {
    if (!config.is_object())
        throw Error(ErrorCode::BadFile,
                    std::string("scheduler_config.json: expected an object, found ") +
                        config.type_name() + ".");
}

const json* SchedulerConfig::find(std::string_view key) const {
    const auto found = m_config.find(key);
    return found == m_config.end() ? nullptr : &*found;
}

void SchedulerConfig::bad(std::string_view key, const std::string& problem) const {
    throw Error(ErrorCode::BadFile,
                "scheduler_config.json: " + std::string(key) + ": " + problem + ".");
}

void SchedulerConfig::unsupported(std::string_view key, std::string_view why) const {
    const json* value = find(key);
    throw Error(ErrorCode::Unsupported,
                "scheduler_config.json: " + std::string(key) + " " +
                    (value ? shown(*value) : "absent") + " is not supported by " + m_className +
                    (why.empty() ? "." : ": " + std::string(why) + "."),
                "Choose another sampler.");
}

bool SchedulerConfig::flag(std::string_view key, bool fallback) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (value->is_null()) return false;
    if (!value->is_boolean()) bad(key, "expected true or false, found " + shown(*value));
    return value->get<bool>();
}

int64_t SchedulerConfig::integer(std::string_view key, int64_t fallback, int64_t low,
                                 int64_t high) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (!value->is_number_integer()) bad(key, "expected a whole number, found " + shown(*value));
    const bool huge = value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX;
    const int64_t whole = huge ? 0 : value->get<int64_t>();
    if (huge || whole < low || whole > high)
        bad(key,
            shown(*value) + " is not from " + std::to_string(low) + " to " + std::to_string(high));
    return whole;
}

double SchedulerConfig::number(std::string_view key, double fallback, double low,
                               double high) const {
    const json* value = find(key);
    if (!value) return fallback;
    if (!value->is_number()) bad(key, "expected a number, found " + shown(*value));
    const auto real = value->get<double>();
    if (!(real >= low && real <= high)) // also NaN
        bad(key, shown(*value) + " is not from " + shown(low) + " to " + shown(high));
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
    if (!value->is_array()) bad(key, "expected a list of numbers, found " + shown(*value));
    std::vector<double> numbers;
    for (const json& entry : *value) {
        if (!entry.is_number()) bad(key, "expected numbers, found " + shown(entry));
        const auto real = entry.get<double>();
        if (!(real >= low && real <= high))
            bad(key, shown(entry) + " is not from " + shown(low) + " to " + shown(high));
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
                                    std::initializer_list<std::string_view> known) const {
    const json* value = find(key);
    if (!value) return std::string(fallback);
    if (!value->is_string()) bad(key, "expected a text, found " + shown(*value));
    const auto& text = value->get_ref<const std::string&>();
    if (std::ranges::find(known, text) != known.end()) return text;
    std::string names = "it has";
    for (std::string_view name : known)
        names += (name == *known.begin() ? " " : ", ") + std::string(name);
    unsupported(key, names);
}

int64_t SchedulerConfig::trainTimesteps() const {
    return integer("num_train_timesteps", 1000, 2, 100'000);
}

} // namespace kinora::pipelines
