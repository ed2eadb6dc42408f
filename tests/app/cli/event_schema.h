#pragma once
// Checks an event against resources/schemas/events.schema.json, by as much of JSON Schema as that
// file uses.

#include <nlohmann/json.hpp>

#include <fstream>
#include <regex>
#include <string>

namespace kinora::app {

inline bool hasType(const nlohmann::json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "null") return value.is_null();
    return type == value.type_name();
}

// Empty where it agrees, else where it does not.
inline std::string disagreement(const nlohmann::json& value, const nlohmann::json& schema,
                                const std::string& at) {
    for (const auto& [key, rule] : schema.items()) {
        bool agrees = true;
        if (key == "const") agrees = value == rule;
        if (key == "enum") agrees = std::find(rule.begin(), rule.end(), value) != rule.end();
        if (key == "minimum") agrees = value.get<double>() >= rule.get<double>();
        if (key == "maximum") agrees = value.get<double>() <= rule.get<double>();
        if (key == "pattern")
            agrees =
                std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
        if (key == "type" && rule.is_string()) agrees = hasType(value, rule);
        if (key == "type" && rule.is_array())
            agrees = std::any_of(rule.begin(), rule.end(),
                                 [&](const auto& type) { return hasType(value, type); });
        if (key == "required")
            for (const auto& name : rule)
                agrees = agrees && value.contains(name.get<std::string>());
        if (!agrees) return at + ": " + key + " " + rule.dump() + ", found " + value.dump();
        if (key == "properties")
            for (const auto& [name, part] : rule.items())
                if (value.contains(name))
                    if (auto found = disagreement(value[name], part, at + "." + name);
                        !found.empty())
                        return found;
        if (key == "items")
            for (const auto& item : value)
                if (auto found = disagreement(item, rule, at + "[]"); !found.empty()) return found;
    }
    return {};
}

// The same for a line of --json output. Unknown fields and events are breaches: what is printed is
// documented.
inline std::string eventDisagreement(const std::string& line) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (!event.is_object() || !event.contains("event")) return "no event: " + line;
    std::ifstream file(KINORA_SOURCE_DIR "/resources/schemas/events.schema.json");
    const auto schema = nlohmann::json::parse(file);
    for (const auto& one : schema["oneOf"]) {
        if (one["properties"]["event"]["const"] != event["event"]) continue;
        for (const auto& [name, value] : event.items())
            if (!one["properties"].contains(name)) return "not in the schema: " + name;
        return disagreement(event, one, event["event"]);
    }
    return "unknown event: " + line;
}

} // namespace kinora::app
