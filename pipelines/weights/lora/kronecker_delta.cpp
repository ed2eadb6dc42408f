// LoKr: W + s kron(w1, w2); each of the two is stored whole or in factors.
// Source: LyCORIS (Yeh et al. 2023), section 3.

#include "pipelines/weights/lora/factored_matrix.h"
#include "pipelines/weights/lora/weight_delta.h"

#include <utility>

namespace kinora::pipelines {
namespace {

// LyCORIS has no Tucker form of w1; the part that none has stands for that.
constexpr FactorParts kFirst{LoraPart::KronW1A, LoraPart::KronW1B, LoraPart::HadaT1};
constexpr FactorParts kSecond{LoraPart::KronW2A, LoraPart::KronW2B, LoraPart::KronT2};

bool fits(const LoraModule& module, TargetPart target) {
    return target == TargetPart::Weight &&
           (module.has(LoraPart::KronW1) || module.has(LoraPart::KronW1A));
}

std::optional<MatrixSize> halfSize(const LoraModule& module, LoraPart whole,
                                   const FactorParts& factors) {
    if (!module.has(whole)) return FactoredMatrix::size(module, factors);
    const kernels::Shape& shape = module.shape(whole);
    if (shape.rank() < 2 || shape.elements() == 0) return std::nullopt;
    return MatrixSize{shape[0], shape.elements() / shape[0]};
}

std::vector<float> readHalf(const LoraFile& file, const LoraModule& module, LoraPart whole,
                            const FactorParts& factors) {
    if (module.has(whole)) return file.read(module.parts.at(whole));
    const MatrixSize size = *FactoredMatrix::size(module, factors);
    std::vector<float> values(static_cast<size_t>(size.rows * size.columns));
    FactoredMatrix(file, module, factors).add(values, 0, 1);
    return values;
}

std::optional<DeltaSize> size(const LoraModule& module, TargetPart) {
    const auto first = halfSize(module, LoraPart::KronW1, kFirst);
    const auto second = halfSize(module, LoraPart::KronW2, kSecond);
    if (!first || !second) return std::nullopt;
    return DeltaSize{first->rows * second->rows, first->columns * second->columns};
}

// Where both are whole there is no rank, and alpha says nothing.
float scaleOf(const LoraModule& module) {
    if (!module.has(LoraPart::KronW2)) return module.scale(FactoredMatrix::rankOf(module, kSecond));
    if (!module.has(LoraPart::KronW1)) return module.scale(FactoredMatrix::rankOf(module, kFirst));
    return 1;
}

class KroneckerDelta final : public WeightDelta {
  public:
    KroneckerDelta(const LoraFile& file, const LoraModule& module, float strength)
        : m_first(readHalf(file, module, LoraPart::KronW1, kFirst)),
          m_second(readHalf(file, module, LoraPart::KronW2, kSecond)),
          m_firstColumns(halfSize(module, LoraPart::KronW1, kFirst)->columns),
          m_secondSize(*halfSize(module, LoraPart::KronW2, kSecond)),
          m_scale(strength * scaleOf(module)) {}

    void apply(std::span<float> rows, int64_t firstRow) const override {
        const int64_t columns = m_firstColumns * m_secondSize.columns;
        const int64_t count = static_cast<int64_t>(rows.size()) / columns;
        for (int64_t i = 0; i < count; ++i) {
            const int64_t row = firstRow + i;
            const float* const first = m_first.data() + row / m_secondSize.rows * m_firstColumns;
            const float* const second =
                m_second.data() + row % m_secondSize.rows * m_secondSize.columns;
            float* to = rows.data() + i * columns;
            for (int64_t j = 0; j < m_firstColumns; ++j)
                for (int64_t k = 0; k < m_secondSize.columns; ++k)
                    *to++ += m_scale * (first[j] * second[k]);
        }
    }

  private:
    std::vector<float> m_first, m_second;
    int64_t m_firstColumns;
    MatrixSize m_secondSize;
    float m_scale;
};

std::unique_ptr<WeightDelta> make(const LoraFile& file, const LoraModule& module,
                                  const DeltaTarget&, float strength) {
    return std::make_unique<KroneckerDelta>(file, module, strength);
}

} // namespace

const DeltaKind kKroneckerKind{"LoKr", fits, size, make};

} // namespace kinora::pipelines
