#pragma once
// Random numbers for any tensor that is asked for: a model of any size without its file, for
// measuring speed and memory. The same numbers every time.

#include "pipelines/weights/weight_source.h"

namespace kinora::pipelines {

class RandomWeights final : public WeightSource {
  public:
    explicit RandomWeights(std::string label = "random weights");

    const std::string& label() const override { return m_label; }
    // F32 of the expected shape.
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override;
    std::vector<std::string> names() const override { return {}; }
    int64_t totalBytes() const override { return 0; }
    // Uniform in -0.05..0.05; around 1 for the scales of norms, so that signals neither vanish nor
    // grow.
    void read(std::string_view name, int64_t first, std::span<float> values) const override;

  private:
    std::string m_label;
};

} // namespace kinora::pipelines
