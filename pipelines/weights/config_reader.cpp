#include "pipelines/weights/config_reader.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace kinora::pipelines {
namespace {

constexpr size_t kLongestList = 16;

std::string range(double least, double most) {
    std::ostringstream text;
    text << " from " << least << " to " << most;
    return text.str();
}

std::string range(int64_t least, int64_t most) {
    return " from " + std::to_string(least) + " to " + std::to_string(most);
}

std::string oneForEachBlock(const char* what, size_t count) {
    return std::string(what) + " or a list of " + std::to_string(count) +
           ", one for each of \"block_out_channels\"";
}

} // namespace

ConfigReader::ConfigReader(const nlohmann::json& config, std::string_view file)
    : m_config(config), m_file(file) {
    if (!config.is_object())
        throw Error(ErrorCode::BadFile, m_file + ": a JSON object was expected.",
                    "Fetch the model again.");
}

const nlohmann::json* ConfigReader::find(std::string_view key) {
    m_asked.emplace(key);
    const auto found = m_config.find(key);
    return found == m_config.end() || found->is_null() ? nullptr : &*found;
}

void ConfigReader::badValue(std::string_view key, const std::string& expected) const {
    const auto found = m_config.find(key);
    const std::string value = found == m_config.end() ? "absent" : brief(*found);
    throw Error(ErrorCode::BadFile,
                m_file + ": \"" + std::string(key) + "\" is " + value + "; expected " + expected +
                    ".",
                "The model's config is damaged or made by hand; fetch the model again.");
}

void ConfigReader::unsupported(std::string_view key) const {
    const auto found = m_config.find(key);
    const std::string value = found == m_config.end() ? "absent" : brief(*found);
    throw Error(ErrorCode::Unsupported,
                m_file + ": \"" + std::string(key) + "\": " + value + " is not supported.",
                "This kind of model cannot be run by this version.");
}

bool ConfigReader::has(std::string_view key) {
    return find(key) != nullptr;
}

int64_t ConfigReader::integerAt(std::string_view key, const nlohmann::json& value, int64_t least,
                                int64_t most) const {
    const std::string expected = "an integer" + range(least, most);
    if (!value.is_number_integer()) badValue(key, expected);
    if (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX})
        badValue(key, expected);
    const int64_t number = value.get<int64_t>();
    if (number < least || number > most) badValue(key, expected);
    return number;
}

int64_t ConfigReader::integer(std::string_view key, int64_t fallback, int64_t least, int64_t most) {
    const nlohmann::json* value = find(key);
    return value ? integerAt(key, *value, least, most) : fallback;
}

double ConfigReader::number(std::string_view key, double fallback, double least, double most) {
    const nlohmann::json* value = find(key);
    if (!value) return fallback;
    const std::string expected = "a number" + range(least, most);
    if (!value->is_number()) badValue(key, expected);
    const double number = value->get<double>();
    if (!(number >= least && number <= most)) badValue(key, expected);
    return number;
}

std::vector<float> ConfigReader::numbers(std::string_view key, size_t count, double least,
                                         double most) {
    const nlohmann::json* value = find(key);
    std::vector<float> numbers;
    for (const nlohmann::json& entry : value && value->is_array() ? *value : nlohmann::json())
        if (entry.is_number() && entry.get<double>() >= least && entry.get<double>() <= most)
            numbers.push_back(entry.get<float>());
    if (numbers.size() != count || value->size() != count)
        badValue(key, "a list of " + std::to_string(count) + " numbers" + range(least, most));
    return numbers;
}

bool ConfigReader::boolean(std::string_view key, bool fallback) {
    const nlohmann::json* value = find(key);
    if (!value) return fallback;
    if (!value->is_boolean()) badValue(key, "true or false");
    return value->get<bool>();
}

std::string ConfigReader::text(std::string_view key, std::string_view fallback) {
    const nlohmann::json* value = find(key);
    if (!value) return std::string(fallback);
    if (!value->is_string()) badValue(key, "a text");
    return value->get<std::string>();
}

std::vector<int64_t> ConfigReader::integers(std::string_view key, std::vector<int64_t> fallback,
                                            int64_t least, int64_t most) {
    const nlohmann::json* value = find(key);
    return value ? integersIn(key, *value, least, most) : fallback;
}

std::vector<int64_t> ConfigReader::integersIn(std::string_view key, const nlohmann::json& list,
                                              int64_t least, int64_t most) const {
    if (!list.is_array() || list.empty() || list.size() > kLongestList)
        badValue(key, "a list of 1 to 16 integers" + range(least, most));
    std::vector<int64_t> numbers;
    for (const nlohmann::json& entry : list) numbers.push_back(integerAt(key, entry, least, most));
    return numbers;
}

std::vector<std::string> ConfigReader::texts(std::string_view key,
                                             std::vector<std::string> fallback) {
    const nlohmann::json* value = find(key);
    if (!value) return fallback;
    const std::string expected = "a list of 1 to 16 texts";
    if (!value->is_array() || value->empty() || value->size() > kLongestList)
        badValue(key, expected);
    std::vector<std::string> texts;
    for (const nlohmann::json& entry : *value) {
        if (!entry.is_string()) badValue(key, expected);
        texts.push_back(entry.get<std::string>());
    }
    return texts;
}

std::vector<int64_t> ConfigReader::integerForEach(std::string_view key, size_t count,
                                                  int64_t fallback, int64_t least, int64_t most) {
    const nlohmann::json* value = find(key);
    if (!value || !value->is_array())
        return std::vector<int64_t>(count, integer(key, fallback, least, most));
    if (std::any_of(value->begin(), value->end(), [](const auto& v) { return v.is_array(); }))
        unsupported(key);
    std::vector<int64_t> numbers = integers(key, {}, least, most);
    if (numbers.size() != count) badValue(key, oneForEachBlock("an integer", count));
    return numbers;
}

std::vector<std::vector<int64_t>> ConfigReader::integersForEach(std::string_view key,
                                                                const std::vector<int64_t>& lengths,
                                                                int64_t fallback, int64_t least,
                                                                int64_t most) {
    const nlohmann::json* value = find(key);
    const bool isList = value && value->is_array();
    const size_t count = lengths.size();
    if (isList && value->size() != count) badValue(key, oneForEachBlock("an integer", count));
    const int64_t one = isList ? fallback : integer(key, fallback, least, most);
    std::vector<std::vector<int64_t>> lists;
    for (size_t block = 0; block < count; ++block) {
        const auto length = static_cast<size_t>(lengths[block]);
        if (!isList)
            lists.emplace_back(length, one);
        else if (const nlohmann::json& entry = (*value)[block]; !entry.is_array())
            lists.emplace_back(length, integerAt(key, entry, least, most));
        else
            lists.push_back(integersIn(key, entry, least, most));
    }
    return lists;
}

std::vector<bool> ConfigReader::booleanForEach(std::string_view key, size_t count, bool fallback) {
    const nlohmann::json* value = find(key);
    if (!value || !value->is_array()) return std::vector<bool>(count, boolean(key, fallback));
    std::vector<bool> values;
    for (const nlohmann::json& entry : *value) {
        if (!entry.is_boolean()) break;
        values.push_back(entry.get<bool>());
    }
    if (values.size() != count || value->size() != count)
        badValue(key, oneForEachBlock("true or false", count));
    return values;
}

ConfigReader::Size ConfigReader::size(std::string_view key, int64_t most) {
    const nlohmann::json* value = find(key);
    if (!value) return {};
    if (!value->is_array()) {
        const int64_t side = integer(key, 0, 1, most);
        return {side, side};
    }
    const std::vector<int64_t> sizes = integers(key, {}, 1, most);
    if (sizes.size() != 2) badValue(key, "an integer or two of them");
    return {sizes[0], sizes[1]};
}

void ConfigReader::requireDefault(std::string_view key, const nlohmann::json& value) {
    const nlohmann::json* found = find(key);
    if (found && *found != value) unsupported(key);
}

void ConfigReader::ignore(std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) m_asked.emplace(key);
}

void ConfigReader::finish() const {
    for (const auto& [key, value] : m_config.items()) {
        if (key.starts_with("_") || m_asked.contains(key)) continue;
        throw Error(ErrorCode::Unsupported,
                    m_file + ": \"" + brief(key).substr(1, brief(key).size() - 2) +
                        "\" is not a key that this version knows.",
                    "The model may need a newer version; if the key decides nothing, remove it.");
    }
}

} // namespace kinora::pipelines
