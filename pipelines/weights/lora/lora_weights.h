#pragma once
// The weights of a component with LoRAs merged into them, in f32, as they are read: whoever loads
// them knows nothing of it. Taking a LoRA away is reading without it, never a subtraction.

#include "pipelines/request/lora_blocks.h"
#include "pipelines/weights/lora/lora_file.h"
#include "pipelines/weights/lora/weight_delta.h"
#include "pipelines/weights/weight_source.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace kinora::pipelines {

// Flattened name of a module to its name in the source: "mid_block_attentions_0_proj_in" to
// "mid_block.attentions.0.proj_in".
using ModuleNames = std::map<std::string, std::string, std::less<>>;

// Every module of the source, a text encoder's with and without "text_model.".
ModuleNames moduleNames(const WeightSource& source);

// For each module of a denoiser, by its name in the source, which of LoraBlocks it lies in. Modules
// of no block, as the embedding of time, are left out. names: with those of the CompVis layout,
// which counts the blocks.
using ModuleBlocks = std::map<std::string, size_t, std::less<>>;
ModuleBlocks moduleBlocks(const ModuleNames& names);

class LoraWeights final : public WeightSource {
  public:
    struct Use {
        std::shared_ptr<const LoraFile> file;
        float strength = 1;               // 0: not used
        std::optional<LoraBlocks> blocks; // of the denoiser; what the strength is multiplied with
    };
    // How far a file fits the component.
    struct Match {
        int64_t modules = 0;              // that were found
        std::vector<std::string> surplus; // that have no place here
    };

    // component: which of the files' modules count. uses: applied in their order; names: what the
    // files may call the source's modules. Throws Error{Unsupported} where a module has a place
    // here and another shape, Error{BadFile} where a module lacks a part.
    LoraWeights(std::unique_ptr<WeightSource> source, std::string_view component,
                std::vector<Use> uses, const ModuleNames& names);

    // One for each use.
    const std::vector<Match>& matches() const { return m_matches; }

    const std::string& label() const override { return m_source->label(); }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override {
        return m_source->find(name, expected);
    }
    std::vector<std::string> names() const override { return m_source->names(); }
    int64_t totalBytes() const override { return m_source->totalBytes(); }
    std::string remark(std::string_view key) const override { return m_source->remark(key); }
    // One thread at a time: the deltas of the tensor that is read are kept until the next one is.
    void read(std::string_view name, int64_t first, std::span<float> values) const override;

  private:
    struct Change {
        size_t use;
        const LoraModule* module;
        float strength;
    };
    struct Patch { // of one tensor
        MatrixSize size;
        TargetPart part = TargetPart::Weight;
        std::vector<Change> changes;
    };
    void match(size_t use, std::string_view component, const ModuleNames& names);
    bool addPatch(size_t use, const LoraModule& module, const std::string& name, TargetPart part,
                  float strength);
    void checkFits(const LoraFile& file, const LoraModule& module, const TensorInfo& tensor,
                   TargetPart part) const;
    void prepare(std::string_view name, const Patch& patch) const;
    void readRows(std::string_view name, const Patch& patch, size_t deltas, int64_t firstRow,
                  std::span<float> rows) const;

    std::unique_ptr<WeightSource> m_source;
    std::vector<Use> m_uses;
    std::vector<Match> m_matches;
    std::map<std::string, Patch, std::less<>> m_patches; // by the tensor's name

    mutable std::mutex m_preparing; // of these two; changed between tensors alone
    mutable std::string m_prepared; // whose deltas these are
    mutable std::vector<std::unique_ptr<WeightDelta>> m_deltas;
};

} // namespace kinora::pipelines
