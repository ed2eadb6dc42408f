// IA3: rows or columns of W are multiplied by learnt factors.
// Source: Liu et al. 2022. LyCORIS stores the factor less one, PEFT the factor; PEFT's output
// factors hold for the bias too.

#include "pipelines/weights/lora/weight_delta.h"

namespace kinora::pipelines {
namespace {

LoraPart partOf(const LoraModule& module) {
    return module.has(LoraPart::Ia3Factor) ? LoraPart::Ia3Factor : LoraPart::Ia3Change;
}

bool isOnInput(const LoraModule& module) {
    if (!module.has(LoraPart::Ia3Factor)) return module.onInput;
    const kernels::Shape& shape = module.shape(LoraPart::Ia3Factor);
    return shape.rank() >= 2 && shape[0] == 1;
}

bool fits(const LoraModule& module, TargetPart target) {
    if (target == TargetPart::Bias) return module.has(LoraPart::Ia3Factor) && !isOnInput(module);
    return module.has(LoraPart::Ia3Factor) ||
           (module.has(LoraPart::Ia3Change) && module.has(LoraPart::Ia3OnInput));
}

std::optional<DeltaSize> size(const LoraModule& module, TargetPart) {
    const int64_t count = module.shape(partOf(module)).elements();
    if (count == 0) return std::nullopt;
    return isOnInput(module) ? DeltaSize{std::nullopt, count} : DeltaSize{count, std::nullopt};
}

class Ia3Delta final : public WeightDelta {
  public:
    Ia3Delta(const LoraFile& file, const LoraModule& module, const DeltaTarget& target,
             float strength)
        : m_factors(file.read(module.parts.at(partOf(module)))), m_onInput(isOnInput(module)),
          m_columns(target.size.columns) {
        const float one = module.has(LoraPart::Ia3Factor) ? 1.0f : 0.0f;
        for (float& factor : m_factors) factor = 1 + strength * (factor - one);
    }

    void apply(std::span<float> rows, int64_t firstRow) const override {
        const auto columns = static_cast<size_t>(m_columns);
        const auto first = static_cast<size_t>(firstRow);
        // Of a convolution every position of an input has the input's factor.
        const size_t positions = m_onInput ? columns / m_factors.size() : 1;
        for (size_t i = 0; i < rows.size(); ++i)
            rows[i] *=
                m_onInput ? m_factors[i % columns / positions] : m_factors[first + i / columns];
    }

  private:
    std::vector<float> m_factors;
    bool m_onInput;
    int64_t m_columns;
};

std::unique_ptr<WeightDelta> make(const LoraFile& file, const LoraModule& module,
                                  const DeltaTarget& target, float strength) {
    return std::make_unique<Ia3Delta>(file, module, target, strength);
}

} // namespace

const DeltaKind kIa3Kind{"IA3", fits, size, make};

} // namespace kinora::pipelines
