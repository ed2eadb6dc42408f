// GLoRA: W + s (W x a1 x a2 + b1 x b2); of a convolution a1 and a2 are over its inputs at each
// position, and a small convolution may stand between b1 and b2 (Tucker). Source: Chavan et al.
// 2023, with the names of LyCORIS, which once had 1 and 2 of both the other way round.

#include "pipelines/weights/lora/matrix_product.h"
#include "pipelines/weights/lora/weight_delta.h"

#include <utility>

namespace kinora::pipelines {
namespace {

using enum LoraPart;

int64_t columnsOf(const kernels::Shape& shape) {
    return shape.elements() / shape[0]; // none is empty
}

// [in, rank] x [rank, in], [out, rank] x [rank, in * positions].
struct Factors {
    LoraPart leftA, rightA, leftB, rightB;
};
constexpr Factors kLayouts[] = {{GloraA1, GloraA2, GloraB1, GloraB2},
                                {GloraA2, GloraA1, GloraB2, GloraB1}};

bool fitTogether(const LoraModule& module, const Factors& parts) {
    const kernels::Shape& leftA = module.shape(parts.leftA);
    const kernels::Shape& rightA = module.shape(parts.rightA);
    const kernels::Shape& leftB = module.shape(parts.leftB);
    const kernels::Shape& rightB = module.shape(parts.rightB);
    const int64_t rank = rightA[0], inputs = leftA[0];
    if (rightB[0] != rank || columnsOf(leftA) != rank || columnsOf(leftB) != rank ||
        columnsOf(rightA) != inputs)
        return false;
    if (!module.has(Middle)) return columnsOf(rightB) % inputs == 0;
    const kernels::Shape& middle = module.shape(Middle);
    return middle.rank() == 4 && middle[0] == rank && middle[1] == rank &&
           columnsOf(rightB) == inputs;
}

// nullptr where a part is missing or they do not fit together. Those of a square weight fit in both
// ways: then the one of the lower rank is meant.
const Factors* layoutOf(const LoraModule& module) {
    for (const LoraPart part : {GloraA1, GloraA2, GloraB1, GloraB2})
        if (!module.has(part) || module.shape(part).rank() < 2) return nullptr;
    const auto rankIn = [&](const Factors& parts) { return module.shape(parts.rightA)[0]; };
    const Factors* found = nullptr;
    for (const Factors& parts : kLayouts)
        if (fitTogether(module, parts) && (!found || rankIn(parts) < rankIn(*found)))
            found = &parts;
    return found;
}

bool fits(const LoraModule& module, TargetPart target) {
    return target == TargetPart::Weight && (module.has(GloraA1) || module.has(GloraA2) ||
                                            module.has(GloraB1) || module.has(GloraB2));
}

int64_t middlePositions(const LoraModule& module) {
    return module.has(Middle) ? module.shape(Middle)[2] * module.shape(Middle)[3] : 1;
}

std::optional<DeltaSize> size(const LoraModule& module, TargetPart) {
    const Factors* const parts = layoutOf(module);
    if (!parts) return std::nullopt;
    return DeltaSize{module.shape(parts->leftB)[0],
                     columnsOf(module.shape(parts->rightB)) * middlePositions(module)};
}

class GeneralizedDelta final : public WeightDelta {
  public:
    GeneralizedDelta(const LoraFile& file, const LoraModule& module, const Factors& parts,
                     const DeltaTarget& target, float strength)
        : m_leftA(file.read(module.parts.at(parts.leftA))),
          m_rightA(file.read(module.parts.at(parts.rightA))),
          m_leftB(file.read(module.parts.at(parts.leftB))),
          m_rightB(file.read(module.parts.at(parts.rightB))), m_rank(module.shape(parts.rightA)[0]),
          m_inputs(module.shape(parts.leftA)[0]), m_columns(target.size.columns),
          m_scale(strength * module.scale(m_rank)) {
        if (module.has(Middle))
            m_rightB = tuckerRight(file.read(module.parts.at(Middle)), m_rightB, m_rank, m_rank,
                                   m_inputs, middlePositions(module));
    }

    void apply(std::span<float> rows, int64_t firstRow) const override {
        const auto columns = static_cast<size_t>(m_columns);
        for (size_t begin = 0; begin < rows.size(); begin += columns)
            addOwn(rows.subspan(begin, columns));
        addProduct(rows, m_leftB.data() + firstRow * m_rank, m_rightB, m_rank, m_columns, m_scale);
    }

  private:
    // row [inputs, positions] += scale * (row^T x a1 x a2)^T
    void addOwn(std::span<float> row) const {
        const int64_t positions = m_columns / m_inputs;
        const std::vector<float> turned = transposed(row, m_inputs, positions);
        std::vector<float> low(static_cast<size_t>(positions * m_rank)), change(row.size());
        addProduct(low, turned.data(), m_leftA, m_inputs, m_rank, 1);
        addProduct(change, low.data(), m_rightA, m_rank, m_inputs, m_scale);
        const std::vector<float> back = transposed(change, positions, m_inputs);
        for (size_t i = 0; i < row.size(); ++i) row[i] += back[i];
    }

    std::vector<float> m_leftA, m_rightA, m_leftB, m_rightB;
    int64_t m_rank, m_inputs, m_columns;
    float m_scale;
};

std::unique_ptr<WeightDelta> make(const LoraFile& file, const LoraModule& module,
                                  const DeltaTarget& target, float strength) {
    return std::make_unique<GeneralizedDelta>(file, module, *layoutOf(module), target, strength);
}

} // namespace

const DeltaKind kGeneralizedKind{"GLoRA", fits, size, make};

} // namespace kinora::pipelines
