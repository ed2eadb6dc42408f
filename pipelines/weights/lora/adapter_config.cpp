#include "pipelines/weights/lora/adapter_config.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::pipelines {
namespace {

using nlohmann::json;

// Whether the name is the pattern, or ends with it after a separator.
bool endsWithName(std::string_view name, std::string_view pattern) {
    if (!name.ends_with(pattern)) return false;
    return name.size() == pattern.size() || name[name.size() - pattern.size() - 1] == '_';
}

} // namespace

AdapterConfig AdapterConfig::parse(const std::string& text, const std::string& label) {
    AdapterConfig config;
    if (text.empty()) return config;
    const std::string where = label + ", lora_adapter_metadata";
    const json object = parseJsonObject(text, where);
    for (const auto& [key, value] : object.items()) {
        const size_t dot = key.find('.');
        if (dot == std::string::npos) continue;
        Component& component = config.m_components[key.substr(0, dot)];
        const std::string field = key.substr(dot + 1);
        const auto expect = [&](bool fits) {
            if (!fits)
                throw Error(ErrorCode::BadFile,
                            where + ": " + brief(key) + " is " + brief(value) +
                                ", which cannot be.",
                            "The file is damaged; get it again.");
        };
        if (field == "lora_alpha" && !value.is_null()) {
            expect(value.is_number());
            component.alpha = value.get<float>();
        } else if (field == "use_rslora" && !value.is_null()) {
            expect(value.is_boolean());
            component.rankStabilised = value.get<bool>();
        } else if (field == "alpha_pattern" && !value.is_null()) {
            expect(value.is_object());
            for (const auto& [module, alpha] : value.items()) {
                expect(alpha.is_number());
                component.alphaOf.emplace_back(flattenedName(module), alpha.get<float>());
            }
        }
    }
    return config;
}

void AdapterConfig::apply(LoraModule& module) const {
    const auto found = m_components.find(module.component);
    if (found == m_components.end()) return;
    const Component& component = found->second;
    module.alpha = component.alpha;
    module.rankStabilised = component.rankStabilised;
    const auto fitting = std::ranges::find_if(component.alphaOf, [&](const auto& pattern) {
        return endsWithName(module.name, pattern.first);
    });
    if (fitting != component.alphaOf.end()) module.alpha = fitting->second;
}

} // namespace kinora::pipelines
