// A LoRA of any content, merged into small modules of any of the names that it has: matrices, and
// convolutions, each with a bias.

#include "kernels/base/error.h"
#include "pipelines/weights/lora/lora_weights.h"
#include "pipelines/weights/random_weights.h"
#include "tests/fuzz/fuzz_file.h"

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

// Has each of the file's modules, in one small shape.
class AnyModule final : public WeightSource {
  public:
    AnyModule(std::vector<std::string> names, kernels::Shape weight)
        : m_names(std::move(names)), m_weight(weight) {}
    const std::string& label() const override { return m_label; }
    std::optional<TensorInfo> find(std::string_view name, const kernels::Shape&) const override {
        if (name.ends_with(".bias")) return TensorInfo{std::string(name), kernels::DType::F32, {8}};
        return TensorInfo{std::string(name), kernels::DType::F32, m_weight};
    }
    std::vector<std::string> names() const override { return m_names; }
    int64_t totalBytes() const override { return 0; }
    void read(std::string_view, int64_t, std::span<float> values) const override {
        std::ranges::fill(values, 1.0f);
    }

  private:
    std::string m_label = "any";
    std::vector<std::string> m_names;
    kernels::Shape m_weight;
};

void readAll(const std::shared_ptr<const LoraFile>& file, const std::vector<std::string>& tensors,
             const kernels::Shape& weight) {
    auto source = std::make_unique<AnyModule>(tensors, weight);
    const ModuleNames names = moduleNames(*source);
    const LoraWeights weights(std::move(source), "unet",
                              {{.file = file, .strength = 0.5f, .blocks = {}}}, names);
    for (const std::string& tensor : tensors) {
        std::vector<float> values(tensor.ends_with(".bias") ? 5 : 20);
        weights.read(tensor, 3, values);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::MemoryFile memory(fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        const auto file = std::make_shared<const LoraFile>(memory.path());
        std::vector<std::string> tensors;
        for (const LoraModule& module : file->modules())
            for (const char* ending : {".weight", ".bias"}) tensors.push_back(module.name + ending);
        for (const kernels::Shape& weight : {kernels::Shape{8, 6}, kernels::Shape{8, 6, 3, 3}})
            fuzz::errorsAreAnswers([&] { readAll(file, tensors, weight); });
    });
    return 0;
}
