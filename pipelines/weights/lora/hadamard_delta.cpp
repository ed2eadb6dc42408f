// LoHa: W + s (w1_a x w1_b) * (w2_a x w2_b), element by element.
// Source: Hyeon-Woo et al. 2022 (FedPara); names and Tucker form as LyCORIS (Yeh et al. 2023).

#include "pipelines/weights/lora/factored_matrix.h"
#include "pipelines/weights/lora/weight_delta.h"

namespace kinora::pipelines {
namespace {

constexpr FactorParts kFirst{LoraPart::HadaW1A, LoraPart::HadaW1B, LoraPart::HadaT1};
constexpr FactorParts kSecond{LoraPart::HadaW2A, LoraPart::HadaW2B, LoraPart::HadaT2};

bool fits(const LoraModule& module, TargetPart target) {
    return target == TargetPart::Weight &&
           (module.has(LoraPart::HadaW1A) || module.has(LoraPart::HadaW2A));
}

std::optional<DeltaSize> size(const LoraModule& module, TargetPart) {
    const auto first = FactoredMatrix::size(module, kFirst);
    const auto second = FactoredMatrix::size(module, kSecond);
    if (!first || !second || first->rows != second->rows || first->columns != second->columns)
        return std::nullopt;
    return DeltaSize{first->rows, first->columns};
}

class HadamardDelta final : public WeightDelta {
  public:
    HadamardDelta(const LoraFile& file, const LoraModule& module, float strength)
        : m_first(file, module, kFirst), m_second(file, module, kSecond),
          m_scale(strength * module.scale(FactoredMatrix::rankOf(module, kFirst))) {}

    void apply(std::span<float> rows, int64_t firstRow) const override {
        std::vector<float> first(rows.size()), second(rows.size());
        m_first.add(first, firstRow, 1);
        m_second.add(second, firstRow, 1);
        for (size_t i = 0; i < rows.size(); ++i) rows[i] += m_scale * (first[i] * second[i]);
    }

  private:
    FactoredMatrix m_first, m_second;
    float m_scale;
};

std::unique_ptr<WeightDelta> make(const LoraFile& file, const LoraModule& module,
                                  const DeltaTarget&, float strength) {
    return std::make_unique<HadamardDelta>(file, module, strength);
}

} // namespace

const DeltaKind kHadamardKind{"LoHa", fits, size, make};

} // namespace kinora::pipelines
