#pragma once
// Reading a component's config: each key with its type and range, and at the end no key left over.
//
//     ConfigReader config(json, "vae/config.json");
//     int64_t channels = config.integer("latent_channels", 4, 1, 1024);
//     config.requireDefault("shift_factor", nullptr);
//     config.ignore({"force_upcast"});
//     config.finish();               // names the first key that nobody asked for
//
// Errors name file and key: Error{BadFile} on a wrong type or an absurd value, Error{Unsupported}
// on a value that is valid and not followed here.

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

class ConfigReader {
  public:
    // config must outlive the reader.
    ConfigReader(const nlohmann::json& config, std::string_view file);

    // Whether the key is there and not null.
    bool has(std::string_view key);

    int64_t integer(std::string_view key, int64_t fallback, int64_t least, int64_t most);
    double number(std::string_view key, double fallback, double least, double most);
    bool boolean(std::string_view key, bool fallback);
    std::string text(std::string_view key, std::string_view fallback);
    // 1 to 16 of them.
    std::vector<int64_t> integers(std::string_view key, std::vector<int64_t> fallback,
                                  int64_t least, int64_t most);
    std::vector<std::string> texts(std::string_view key, std::vector<std::string> fallback);
    // One integer for all of `count`, or a list of `count`.
    std::vector<int64_t> integerForEach(std::string_view key, size_t count, int64_t fallback,
                                        int64_t least, int64_t most);
    // A list of `count`.
    std::vector<float> numbers(std::string_view key, size_t count, double least, double most);
    // For each of lengths.size() blocks a list: of `length` times the same integer, where one is
    // written for the block or for all of them, else the list that is written, however long.
    std::vector<std::vector<int64_t>> integersForEach(std::string_view key,
                                                      const std::vector<int64_t>& lengths,
                                                      int64_t fallback, int64_t least,
                                                      int64_t most);
    // One boolean for all of `count`, or a list of `count`.
    std::vector<bool> booleanForEach(std::string_view key, size_t count, bool fallback);
    // One integer for both sides, or a list of height and width; 0 where absent or null.
    struct Size {
        int64_t height = 0, width = 0;
    };
    Size size(std::string_view key, int64_t most);

    // The key is absent, null or has this value; another is Unsupported.
    void requireDefault(std::string_view key, const nlohmann::json& value);
    // Keys that decide nothing here.
    void ignore(std::initializer_list<std::string_view> keys);
    // Every key that does not begin with "_" was asked for.
    void finish() const;

    [[noreturn]] void badValue(std::string_view key, const std::string& expected) const;
    [[noreturn]] void unsupported(std::string_view key) const;

  private:
    const nlohmann::json* find(std::string_view key);
    int64_t integerAt(std::string_view key, const nlohmann::json& value, int64_t least,
                      int64_t most) const;

    std::vector<int64_t> integersIn(std::string_view key, const nlohmann::json& list, int64_t least,
                                    int64_t most) const;

    const nlohmann::json& m_config;
    std::string m_file;
    std::set<std::string, std::less<>> m_asked;
};

} // namespace kinora::pipelines
