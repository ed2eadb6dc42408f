#pragma once
// A file of changes to a model's weights: LoRA, LoCon, LoHa, LoKr, GLoRA, OFT, DoRA, IA3 or plain
// differences, in any layout of lora_layouts.h. Reads the header and the scalars; the numbers when
// a weight is loaded.
//
//     auto lora = std::make_shared<const LoraFile>("style.safetensors");
//     model.add(lora, {.denoiser = 0.8, .text = 0.5});

#include "pipelines/weights/lora/lora_layouts.h"
#include "pipelines/weights/weight_source.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kinora::pipelines {

// What the file has for one module of the model.
struct LoraModule {
    std::string component; // "unet", "text_encoder" ...
    std::string name;      // flattened: "mid_block_attentions_0_proj_in"
    std::map<LoraPart, TensorInfo> parts;
    std::optional<float> alpha;  // none: the product is not scaled
    bool rankStabilised = false; // scaled by alpha / sqrt(rank)
    bool onInput = false;        // IA3
    std::string firstTensor;     // for messages: the name of one of its tensors

    bool has(LoraPart part) const { return parts.contains(part); }
    const kernels::Shape& shape(LoraPart part) const { return parts.at(part).shape; }
    // What the product of two matrices of this rank is multiplied with.
    float scale(int64_t rank) const;
};

class LoraFile {
  public:
    // Throws Error{NotFound, BadFile, Io}; Error{Unsupported} where none of its tensors belongs to
    // a known kind: it says what the file is where that can be told.
    explicit LoraFile(const std::filesystem::path& path);

    const std::string& label() const { return m_source->label(); }
    const std::filesystem::path& path() const { return m_path; }
    // Sorted by component and name.
    const std::vector<LoraModule>& modules() const { return m_modules; }
    // Tensors of no known part, sorted.
    const std::vector<std::string>& unknown() const { return m_unknown; }
    // "LoRA", "LoHa" ...: of the first module.
    std::string kind() const;
    // What the file says of itself.
    std::string remark(std::string_view key) const { return m_source->remark(key); }
    // All elements of a tensor, in f32.
    std::vector<float> read(const TensorInfo& tensor) const;

  private:
    void group();
    void readScalars();

    std::filesystem::path m_path;
    std::unique_ptr<WeightSource> m_source;
    std::vector<LoraModule> m_modules;
    std::vector<std::string> m_unknown;
};

} // namespace kinora::pipelines
