#pragma once
// A file of changes to a model's weights: LoRA, LoCon, LoHa, LoKr, GLoRA, OFT, DoRA, IA3 or plain
// differences, in any layout of lora_layouts.h. Reads the header and the scalars; the numbers when
// a weight is loaded.
//
//     auto lora = std::make_shared<const LoraFile>("style.safetensors");
//     model.add(lora, {.denoiser = 0.8, .text = 0.5});

#include "pipelines/weights/lora/lora_modules.h"
#include "pipelines/weights/weight_source.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace kinora::pipelines {

class LoraFile {
  public:
    // Throws Error{NotFound, BadFile, Io}; Error{Unsupported} where none of its tensors belongs to
    // a known kind: it says what the file is where that can be told.
    explicit LoraFile(const std::filesystem::path& path);

    const std::string& label() const { return m_source->label(); }
    const std::filesystem::path& path() const { return m_path; }
    // Sorted by component and name.
    const std::vector<LoraModule>& modules() const { return m_found.modules; }
    // Tensors of no known part, sorted.
    const std::vector<std::string>& unknown() const { return m_found.unknown; }
    // "LoRA", "LoHa" ...: of the first module.
    std::string kind() const { return kindOf(m_found.modules); }
    // What the file says of itself.
    std::string remark(std::string_view key) const { return m_source->remark(key); }
    // All elements of a tensor, in f32.
    std::vector<float> read(const TensorInfo& tensor) const;

  private:
    void readScalars();

    std::filesystem::path m_path;
    std::unique_ptr<WeightSource> m_source;
    LoraModules m_found;
};

} // namespace kinora::pipelines
