#pragma once
// Weights in eight bits with a scale beside each: "x.weight" is to be multiplied with the one
// number "x.scale_weight" or "x.weight_scale". As ComfyUI writes fp8 checkpoints. Eight bits
// without a scale are what they are, as in the reference: such files were made by casting.

#include "pipelines/weights/weight_source.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kinora::pipelines {

// The source itself where it has no scales. Throws Error{Unsupported} where a scale is of
// several numbers, Error{BadFile} where it is no number at all; Error{Io}.
std::unique_ptr<WeightSource> withScales(std::unique_ptr<WeightSource> source);

class ScaledWeights final : public WeightSource {
  public:
    // scales: by the tensor's name.
    ScaledWeights(std::unique_ptr<WeightSource> source,
                  std::map<std::string, float, std::less<>> scales)
        : m_source(std::move(source)), m_scales(std::move(scales)) {}

    const std::string& label() const override { return m_source->label(); }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override {
        return m_source->find(name, expected);
    }
    // Without the scales.
    std::vector<std::string> names() const override;
    int64_t totalBytes() const override { return m_source->totalBytes(); }
    void read(std::string_view name, int64_t first, std::span<float> values) const override;
    std::string remark(std::string_view key) const override { return m_source->remark(key); }

  private:
    std::unique_ptr<WeightSource> m_source;
    std::map<std::string, float, std::less<>> m_scales;
};

} // namespace kinora::pipelines
