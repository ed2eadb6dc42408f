// A whole difference, W + s d, of the weight, the bias or both: LyCORIS's "full" and "norm".

#include "pipelines/weights/lora/weight_delta.h"

#include <utility>

namespace kinora::pipelines {
namespace {

LoraPart partOf(TargetPart target) {
    return target == TargetPart::Bias ? LoraPart::BiasDifference : LoraPart::Difference;
}

bool fits(const LoraModule& module, TargetPart target) {
    return module.has(partOf(target));
}

std::optional<DeltaSize> size(const LoraModule& module, TargetPart target) {
    const kernels::Shape& shape = module.shape(partOf(target));
    if (target == TargetPart::Bias) return DeltaSize{shape.elements(), 1};
    if (shape.rank() < 1 || shape.elements() == 0) return std::nullopt;
    return DeltaSize{shape[0], shape.elements() / shape[0]};
}

class Difference final : public WeightDelta {
  public:
    Difference(std::vector<float> values, int64_t columns, float strength)
        : m_values(std::move(values)), m_columns(columns), m_strength(strength) {}

    void apply(std::span<float> rows, int64_t firstRow) const override {
        const float* const from = m_values.data() + firstRow * m_columns;
        for (size_t i = 0; i < rows.size(); ++i) rows[i] += m_strength * from[i];
    }

  private:
    std::vector<float> m_values;
    int64_t m_columns;
    float m_strength;
};

std::unique_ptr<WeightDelta> make(const LoraFile& file, const LoraModule& module,
                                  const DeltaTarget& target, float strength) {
    return std::make_unique<Difference>(file.read(module.parts.at(partOf(target.part))),
                                        target.size.columns, strength);
}

} // namespace

const DeltaKind kDifferenceKind{"Difference", fits, size, make};

} // namespace kinora::pipelines
