#include "pipelines/weights/checkpoint_weights.h"

#include "kernels/base/error.h"

#include <utility>

namespace kinora::pipelines {
namespace {

using kernels::Shape;

// Query, key and value lie one after another in the first axis.
Shape shapeOfPart(const Shape& whole, int parts) {
    return parts == 1 ? whole : whole.with(0, whole[0] / parts);
}

bool isMatrixAsConvolution(const Shape& stored, const Shape& expected) {
    return stored.rank() == 4 && expected.rank() == 2 && stored[2] == 1 && stored[3] == 1;
}

} // namespace

CheckpointWeights::CheckpointWeights(std::shared_ptr<const WeightSource> file,
                                     std::string_view prefix, const CheckpointNames& names)
    : m_file(std::move(file)) {
    for (const std::string& stored : m_file->names()) {
        if (!stored.starts_with(prefix)) continue;
        const std::string_view own = std::string_view(stored).substr(prefix.size());
        const std::optional<TensorInfo> info = m_file->find(stored, Shape{});
        if (!info) continue;
        std::vector<CheckpointTarget> targets = names.translate(own);
        if (targets.empty() && names.isIgnored(own)) continue;
        m_totalBytes +=
            info->shape.elements() * static_cast<int64_t>(kernels::sizeBytes(info->dtype));
        if (targets.empty()) targets.push_back({stored});
        for (const CheckpointTarget& target : targets) {
            if (target.parts > 1 && (info->shape.rank() == 0 || info->shape[0] % target.parts != 0))
                throw Error(ErrorCode::BadFile,
                            label() + ": " + stored + " cannot be split into " +
                                std::to_string(target.parts) + " equal parts.",
                            "The checkpoint is damaged; get it again.");
            if (target.transposed && info->shape.rank() != 2)
                throw Error(ErrorCode::BadFile, label() + ": " + stored + " is no matrix.",
                            "The checkpoint is damaged; get it again.");
            m_places.insert_or_assign(target.name,
                                      Place{*info, target.part, target.parts, target.transposed});
        }
    }
}

std::optional<TensorInfo> CheckpointWeights::find(std::string_view name,
                                                  const Shape& expected) const {
    const auto found = m_places.find(name);
    if (found == m_places.end()) return std::nullopt;
    const Place& place = found->second;
    TensorInfo info{std::string(name), place.stored.dtype,
                    shapeOfPart(place.stored.shape, place.parts)};
    if (place.transposed) info.shape = Shape{info.shape[1], info.shape[0]};
    if (isMatrixAsConvolution(info.shape, expected))
        info.shape = Shape{info.shape[0], info.shape[1]};
    return info;
}

std::vector<std::string> CheckpointWeights::names() const {
    std::vector<std::string> names;
    names.reserve(m_places.size());
    for (const auto& [name, place] : m_places) names.push_back(name);
    return names;
}

void CheckpointWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    const Place& place = m_places.find(name)->second;
    if (place.transposed) return readTransposed(place, first, values);
    const int64_t partCount = place.stored.shape.elements() / place.parts;
    m_file->read(place.stored.name, place.part * partCount + first, values);
}

// Reads the whole matrix for each block that is asked for: the one such matrix is small.
void CheckpointWeights::readTransposed(const Place& place, int64_t first,
                                       std::span<float> values) const {
    const int64_t rows = place.stored.shape[0], columns = place.stored.shape[1];
    std::vector<float> stored(static_cast<size_t>(rows * columns));
    m_file->read(place.stored.name, 0, stored);
    for (size_t i = 0; i < values.size(); ++i) {
        const int64_t at = first + static_cast<int64_t>(i); // in [columns, rows]
        values[i] = stored[static_cast<size_t>(at % rows * columns + at / rows)];
    }
}

} // namespace kinora::pipelines
