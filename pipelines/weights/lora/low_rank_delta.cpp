// LoRA and LoCon: W + s up x down, for a convolution also with a small convolution between
// (Tucker). Source: Hu et al. 2021; LyCORIS (Yeh et al. 2023) for convolutions.

#include "pipelines/weights/lora/matrix_product.h"
#include "pipelines/weights/lora/weight_delta.h"

#include <utility>

namespace kinora::pipelines {
namespace {

bool fits(const LoraModule& module, TargetPart target) {
    return target == TargetPart::Weight && (module.has(LoraPart::Down) || module.has(LoraPart::Up));
}

int64_t rankOf(const LoraModule& module) {
    return module.shape(LoraPart::Up).elements() / module.shape(LoraPart::Up)[0];
}

std::optional<DeltaSize> size(const LoraModule& module, TargetPart) {
    if (!module.has(LoraPart::Down) || !module.has(LoraPart::Up)) return std::nullopt;
    const kernels::Shape& up = module.shape(LoraPart::Up);
    const kernels::Shape& down = module.shape(LoraPart::Down);
    if (up.rank() < 2 || down.rank() < 2 || up.elements() == 0 || down.elements() == 0)
        return std::nullopt;
    const int64_t rank = rankOf(module);
    int64_t columns = down.elements() / down[0];
    if (down[0] != rank) return std::nullopt;
    if (module.has(LoraPart::Middle)) {
        const kernels::Shape& middle = module.shape(LoraPart::Middle);
        if (middle.rank() != 4 || middle[0] != rank || middle[1] != rank) return std::nullopt;
        columns *= middle[2] * middle[3];
    }
    return DeltaSize{up[0], columns};
}

class LowRankDelta final : public WeightDelta {
  public:
    LowRankDelta(const LoraFile& file, const LoraModule& module, const DeltaTarget& target,
                 float strength)
        : m_up(file.read(module.parts.at(LoraPart::Up))),
          m_down(file.read(module.parts.at(LoraPart::Down))), m_rank(rankOf(module)),
          m_columns(target.size.columns), m_scale(strength * module.scale(m_rank)) {
        if (!module.has(LoraPart::Middle)) return;
        const kernels::Shape& middle = module.shape(LoraPart::Middle);
        const int64_t positions = middle[2] * middle[3];
        m_down = tuckerRight(file.read(module.parts.at(LoraPart::Middle)), m_down, m_rank, m_rank,
                             m_columns / positions, positions);
    }

    void apply(std::span<float> rows, int64_t firstRow) const override {
        addProduct(rows, m_up.data() + firstRow * m_rank, m_down, m_rank, m_columns, m_scale);
    }

  private:
    std::vector<float> m_up, m_down; // [rows, rank], [rank, columns]
    int64_t m_rank, m_columns;
    float m_scale;
};

std::unique_ptr<WeightDelta> make(const LoraFile& file, const LoraModule& module,
                                  const DeltaTarget& target, float strength) {
    return std::make_unique<LowRankDelta>(file, module, target, strength);
}

} // namespace

const DeltaKind kLowRankKind{"LoRA", fits, size, make};

} // namespace kinora::pipelines
