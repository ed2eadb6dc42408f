// DoRA: after the delta each row of the weight (LyCORIS: by choice each column) has a learnt
// length. As in PEFT, a person's strength scales the delta, not the length.

#include "pipelines/weights/lora/weight_delta.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kinora::pipelines {
namespace {

LoraPart partOf(const LoraModule& module) {
    return module.has(LoraPart::Magnitude) ? LoraPart::Magnitude : LoraPart::DoraScale;
}

bool isOnInput(const LoraModule& module) {
    if (module.has(LoraPart::Magnitude)) return false;
    const kernels::Shape& shape = module.shape(LoraPart::DoraScale);
    return shape.rank() >= 2 && shape[0] == 1;
}

// The length of each input's weights over all outputs and positions, after the delta.
std::vector<float> inputLengths(const WeightDelta& delta, const DeltaTarget& target,
                                size_t inputs) {
    constexpr int64_t kRowsAtOnce = 64;
    const auto columns = static_cast<size_t>(target.size.columns);
    std::vector<double> squares(inputs);
    std::vector<float> rows;
    for (int64_t first = 0; first < target.size.rows; first += kRowsAtOnce) {
        const int64_t count = std::min(kRowsAtOnce, target.size.rows - first);
        rows.resize(static_cast<size_t>(count) * columns);
        target.before(first, rows);
        delta.apply(rows, first);
        for (size_t i = 0; i < rows.size(); ++i)
            squares[i % columns / (columns / inputs)] += double{rows[i]} * rows[i];
    }
    std::vector<float> lengths(inputs);
    for (size_t i = 0; i < inputs; ++i) lengths[i] = static_cast<float>(std::sqrt(squares[i]));
    return lengths;
}

// A weight that is all zero has no direction that could be lengthened.
float ratio(float magnitude, float length) {
    return length > 0 ? magnitude / length : 0;
}

class MagnitudeDelta final : public WeightDelta {
  public:
    MagnitudeDelta(std::unique_ptr<WeightDelta> delta, const LoraFile& file,
                   const LoraModule& module, const DeltaTarget& target)
        : m_delta(std::move(delta)), m_factors(file.read(module.parts.at(partOf(module)))),
          m_onInput(isOnInput(module)), m_columns(static_cast<size_t>(target.size.columns)) {
        if (!m_onInput) return;
        const std::vector<float> lengths = inputLengths(*m_delta, target, m_factors.size());
        for (size_t i = 0; i < lengths.size(); ++i) m_factors[i] = ratio(m_factors[i], lengths[i]);
    }

    void apply(std::span<float> rows, int64_t firstRow) const override {
        m_delta->apply(rows, firstRow);
        for (size_t start = 0; start < rows.size(); start += m_columns) {
            const std::span<float> row = rows.subspan(start, m_columns);
            if (m_onInput) {
                const size_t positions = m_columns / m_factors.size();
                for (size_t i = 0; i < row.size(); ++i) row[i] *= m_factors[i / positions];
                continue;
            }
            double squares = 0;
            for (const float value : row) squares += double{value} * value;
            const size_t index = static_cast<size_t>(firstRow) + start / m_columns;
            const float factor = ratio(m_factors[index], static_cast<float>(std::sqrt(squares)));
            for (float& value : row) value *= factor;
        }
    }

  private:
    std::unique_ptr<WeightDelta> m_delta;
    std::vector<float> m_factors; // lengths of rows; of columns: what they are multiplied with
    bool m_onInput;
    size_t m_columns;
};

} // namespace

bool magnitudeFits(const LoraModule& module, const MatrixSize& size) {
    if (!module.has(LoraPart::Magnitude) && !module.has(LoraPart::DoraScale)) return true;
    const int64_t count = module.shape(partOf(module)).elements();
    if (!isOnInput(module)) return count == size.rows;
    return count > 0 && size.columns % count == 0;
}

std::unique_ptr<WeightDelta> withMagnitude(std::unique_ptr<WeightDelta> delta, const LoraFile& file,
                                           const LoraModule& module, const DeltaTarget& target) {
    return std::make_unique<MagnitudeDelta>(std::move(delta), file, module, target);
}

} // namespace kinora::pipelines
