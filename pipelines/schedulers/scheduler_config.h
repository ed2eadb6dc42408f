#pragma once
// Reads scheduler_config.json for one scheduler class: every value is checked, every error names
// the key. Keys that the class does not know are never asked for, as in diffusers.

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

class SchedulerConfig {
  public:
    // config must outlive this. className and file are for messages. Throws Error{BadFile} where it
    // is not an object.
    SchedulerConfig(const nlohmann::json& config, std::string_view className,
                    std::string_view file);

    // An absent key gives the fallback. Throw Error{BadFile} on a wrong type or a value outside
    // [low, high].
    bool flag(std::string_view key, bool fallback) const; // null is false
    int64_t integer(std::string_view key, int64_t fallback, int64_t low, int64_t high) const;
    double number(std::string_view key, double fallback, double low, double high) const;
    // Absent or null: nullopt.
    std::optional<double> optionalNumber(std::string_view key, double low, double high) const;
    std::optional<std::vector<double>> optionalNumbers(std::string_view key, double low,
                                                       double high) const;
    // A number that may be minus infinity, which JSON has no word for: absent, null and the text
    // "-Infinity" mean it too.
    double numberOrMinusInfinity(std::string_view key) const;
    bool isSet(std::string_view key) const; // there and not null

    // Throws Error{Unsupported} naming the value where it is none of `known`.
    std::string choice(std::string_view key, std::string_view fallback,
                       const std::vector<std::string_view>& known) const;
    // Throws Error{Unsupported} naming key and value.
    [[noreturn]] void unsupported(std::string_view key, std::string_view why) const;
    // expected: what the value should be ("a number from 0 to 1").
    [[noreturn]] void bad(std::string_view key, const std::string& expected) const;

    int64_t trainTimesteps() const; // num_train_timesteps

  private:
    const nlohmann::json* find(std::string_view key) const; // nullptr: absent

    const nlohmann::json& m_config;
    std::string m_className;
    std::string m_file;
};

} // namespace kinora::pipelines
