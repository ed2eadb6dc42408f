#include "core/project/project_text.h"

#include <nlohmann/json.hpp>

namespace kinora::core {
namespace {

using nlohmann::ordered_json;

// Ill-formed text cannot come here: both the parser and the parameters' check refuse it.
std::string compact(const ordered_json& value) {
    return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

bool holdsContainers(const ordered_json& value) {
    for (const auto& item : value)
        if (item.is_structured()) return true;
    return false;
}

void append(std::string& text, const ordered_json& value, size_t indent, bool itemsCompact) {
    const bool spread = value.is_object() ? !value.empty() : holdsContainers(value);
    if (!value.is_structured() || !spread) {
        text += compact(value);
        return;
    }
    const std::string space(indent + 1, ' ');
    text += value.is_object() ? "{" : "[";
    bool first = true;
    for (const auto& [key, item] : value.items()) {
        text += (first ? "\n" : ",\n") + space;
        first = false;
        if (value.is_object()) text += compact(ordered_json(key)) + ": ";
        if (itemsCompact)
            text += compact(item);
        else
            append(text, item, indent + 1, key == "rows" && item.is_array());
    }
    text += "\n" + std::string(indent, ' ') + (value.is_object() ? "}" : "]");
}

} // namespace

std::string projectText(const ordered_json& project) {
    std::string text;
    append(text, project, 0, false);
    return text + "\n";
}

} // namespace kinora::core
