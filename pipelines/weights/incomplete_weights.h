#pragma once
// Weights that may lack tensors: all that are asked for are answered, and those that are not there
// are counted, so that one error can tell of all.
//
//     const IncompleteWeights source(file.weights(config));
//     ControlNet net(config, Weights(source, device, compute));
//     source.throwIfAnyMissing();

#include "pipelines/weights/weight_source.h"

#include <memory>
#include <string>
#include <vector>

namespace kinora::pipelines {

class IncompleteWeights final : public WeightSource {
  public:
    explicit IncompleteWeights(std::unique_ptr<WeightSource> source);

    const std::string& label() const override { return m_source->label(); }
    // A tensor that is not there has the shape that is expected; asked for without one it is not.
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override;
    std::vector<std::string> names() const override { return m_source->names(); }
    int64_t totalBytes() const override { return m_source->totalBytes(); }
    // What is not there is zero.
    void read(std::string_view name, int64_t first, std::span<float> values) const override;
    std::string remark(std::string_view key) const override { return m_source->remark(key); }

    // Throws Error{BadFile}: how many were asked for in vain, and the first of them.
    void throwIfAnyMissing() const;

  private:
    std::unique_ptr<WeightSource> m_source;
    mutable std::vector<std::string> m_missing;
};

} // namespace kinora::pipelines
