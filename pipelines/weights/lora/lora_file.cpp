#include "pipelines/weights/lora/lora_file.h"

#include "kernels/base/error.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/adapter_config.h"
#include "pipelines/weights/weight_file.h"

#include <cmath>

namespace kinora::pipelines {

LoraFile::LoraFile(const std::filesystem::path& path)
    : m_path(path), m_source(openWeightFile(path, path.filename().string())),
      m_found(loraModulesIn(*m_source)) {
    readScalars();
}

void LoraFile::readScalars() {
    const AdapterConfig config =
        AdapterConfig::parse(m_source->remark("lora_adapter_metadata"), label());
    for (LoraModule& module : m_found.modules) {
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

std::vector<float> LoraFile::read(const TensorInfo& tensor) const {
    std::vector<float> values(static_cast<size_t>(tensor.shape.elements()));
    m_source->read(tensor.name, 0, values);
    return values;
}

} // namespace kinora::pipelines
