#include "pipelines/weights/incomplete_weights.h"

#include "kernels/base/error.h"

#include <algorithm>
#include <utility>

namespace kinora::pipelines {

IncompleteWeights::IncompleteWeights(std::unique_ptr<WeightSource> source)
    : m_source(std::move(source)) {}

std::optional<TensorInfo> IncompleteWeights::find(std::string_view name,
                                                  const kernels::Shape& expected) const {
    std::optional<TensorInfo> info = m_source->find(name, expected);
    if (info || expected.rank() == 0) return info;
    m_missing.emplace_back(name);
    return TensorInfo{std::string(name), kernels::DType::F32, expected};
}

void IncompleteWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    if (m_source->find(name, {}))
        m_source->read(name, first, values);
    else
        std::ranges::fill(values, 0.0f);
}

void IncompleteWeights::throwIfAnyMissing() const {
    if (m_missing.empty()) return;
    const size_t count = m_missing.size();
    throw Error(ErrorCode::BadFile,
                label() + ": lacks " + std::to_string(count) +
                    (count == 1 ? " tensor, \"" : " tensors, the first of them \"") +
                    m_missing.front() + "\".",
                "The file is incomplete, or for another kind of model; get it again.");
}

} // namespace kinora::pipelines
