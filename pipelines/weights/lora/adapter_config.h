#pragma once
// What diffusers writes beside a LoRA in PEFT's layout: the configuration of the adapter, in the
// file's metadata ("lora_adapter_metadata"). Alpha and the way of scaling stand there alone.

#include "pipelines/weights/lora/lora_file.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinora::pipelines {

class AdapterConfig {
  public:
    // json: "{"unet.lora_alpha": 8, "unet.use_rslora": true, "unet.alpha_pattern": {...}, ...}";
    // empty: says nothing. label: how errors name the file. Throws Error{BadFile}.
    static AdapterConfig parse(const std::string& json, const std::string& label);

    // Sets alpha and rankStabilised where the configuration says them for the module.
    void apply(LoraModule& module) const;

  private:
    struct Component {
        std::optional<float> alpha;
        bool rankStabilised = false;
        // Flattened endings of modules' names, in the order of their dotted names: the first that
        // fits counts.
        std::vector<std::pair<std::string, float>> alphaOf;
    };
    std::map<std::string, Component, std::less<>> m_components;
};

} // namespace kinora::pipelines
