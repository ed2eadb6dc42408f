#include "pipelines/weights/lora/lora_modules.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/lora_family.h"
#include "pipelines/weights/lora/weight_delta.h"

#include <cmath>
#include <tuple>
#include <utility>

namespace kinora::pipelines {

float LoraModule::scale(int64_t rank) const {
    if (!alpha || rank <= 0) return 1;
    const auto size = static_cast<float>(rank);
    return *alpha / (rankStabilised ? std::sqrt(size) : size);
}

LoraModules loraModulesIn(const WeightSource& file) {
    LoraModules found;
    const std::vector<std::string> names = file.names();
    std::map<std::pair<std::string, std::string>, LoraModule> modules;
    for (const std::string& stored : names) {
        std::optional<LoraName> name = parseLoraName(stored);
        std::optional<TensorInfo> info = name ? file.find(stored, {}) : std::nullopt;
        if (!info) {
            found.unknown.push_back(stored);
            continue;
        }
        if (info->shape.elements() == 0)
            throw Error(ErrorCode::BadFile, file.label() + ": " + briefName(stored) + " is empty.",
                        "The file is damaged; get it again.");
        LoraModule& module = modules[{std::move(name->component), std::move(name->module)}];
        if (module.firstTensor.empty()) module.firstTensor = stored;
        if (!module.parts.emplace(name->part, *std::move(info)).second)
            throw Error(ErrorCode::BadFile,
                        file.label() + ": has " + briefName(stored) + " twice, in two layouts.",
                        "The file is damaged or was merged from two; get it again.");
    }
    for (auto& [key, module] : modules) {
        std::tie(module.component, module.name) = key;
        if (findDeltaKind(module))
            found.modules.push_back(std::move(module));
        else
            found.unknown.push_back(module.firstTensor);
    }
    if (found.modules.empty()) throwNotALora(file.label(), names);
    return found;
}

std::string kindOf(std::span<const LoraModule> modules) {
    return std::string(findDeltaKind(modules.front())->name);
}

} // namespace kinora::pipelines
