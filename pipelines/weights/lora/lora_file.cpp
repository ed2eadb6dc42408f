#include "pipelines/weights/lora/lora_file.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/adapter_config.h"
#include "pipelines/weights/lora/lora_family.h"
#include "pipelines/weights/lora/weight_delta.h"
#include "pipelines/weights/weight_file.h"

#include <cmath>
#include <utility>

namespace kinora::pipelines {

float LoraModule::scale(int64_t rank) const {
    if (!alpha || rank <= 0) return 1;
    const auto size = static_cast<float>(rank);
    return *alpha / (rankStabilised ? std::sqrt(size) : size);
}

LoraFile::LoraFile(const std::filesystem::path& path)
    : m_path(path), m_source(openWeightFile(path, path.filename().string())) {
    group();
    if (m_modules.empty()) throwNotALora(label(), m_source->names());
    readScalars();
}

void LoraFile::group() {
    std::map<std::pair<std::string, std::string>, LoraModule> modules;
    for (const std::string& stored : m_source->names()) {
        const std::optional<LoraName> name = parseLoraName(stored);
        std::optional<TensorInfo> info = m_source->find(stored, {});
        if (!name || !info) {
            m_unknown.push_back(stored);
            continue;
        }
        if (info->shape.elements() == 0)
            throw Error(ErrorCode::BadFile, label() + ": " + briefName(stored) + " is empty.",
                        "The file is damaged; get it again.");
        LoraModule& module = modules[{name->component, name->module}];
        module.component = name->component;
        module.name = name->module;
        if (module.firstTensor.empty()) module.firstTensor = stored;
        if (!module.parts.emplace(name->part, *std::move(info)).second)
            throw Error(ErrorCode::BadFile,
                        label() + ": has " + briefName(stored) + " twice, in two layouts.",
                        "The file is damaged or was merged from two; get it again.");
    }
    for (auto& [key, module] : modules)
        if (findDeltaKind(module))
            m_modules.push_back(std::move(module));
        else
            m_unknown.push_back(module.firstTensor);
}

void LoraFile::readScalars() {
    const AdapterConfig config =
        AdapterConfig::parse(m_source->remark("lora_adapter_metadata"), label());
    for (LoraModule& module : m_modules) {
        config.apply(module);
        const auto scalar = [&](LoraPart part) -> std::optional<float> {
            const auto found = module.parts.find(part);
            if (found == module.parts.end()) return std::nullopt;
            if (found->second.shape.elements() != 1)
                throw Error(ErrorCode::BadFile,
                            label() + ": " + briefName(found->second.name) + " is not one number.",
                            "The file is damaged; get it again.");
            return read(found->second).front();
        };
        if (const auto alpha = scalar(LoraPart::Alpha)) module.alpha = alpha;
        if (module.alpha && !std::isfinite(*module.alpha))
            throw Error(ErrorCode::BadFile,
                        label() + ": the alpha of " + briefName(module.name) + " is not a number.",
                        "The file is damaged; get it again.");
        module.onInput = scalar(LoraPart::Ia3OnInput).value_or(0) != 0;
    }
}

std::string LoraFile::kind() const {
    return std::string(findDeltaKind(m_modules.front())->name);
}

std::vector<float> LoraFile::read(const TensorInfo& tensor) const {
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    m_source->read(tensor.name, 0, values);
    return values;
}

} // namespace kinora::pipelines
