// OFT: the rows of W are turned, block by block: W' = ((1 - s) I + s R)^T W with R = (I + Q)(I -
// Q)^-1 and Q = B - B^T, and may then be rescaled. Source: Qiu et al. 2023, Controlling
// text-to-image diffusion by orthogonal finetuning, with the names of LyCORIS, whose alpha limits
// the length of Q.

#include "pipelines/weights/lora/weight_delta.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kinora::pipelines {
namespace {

using enum LoraPart;

constexpr int64_t kLargestBlock = 2048; // an inverse of that takes seconds

bool fits(const LoraModule& module, TargetPart target) {
    return target == TargetPart::Weight && module.has(OftBlocks) &&
           module.shape(OftBlocks).rank() == 3;
}

std::optional<DeltaSize> size(const LoraModule& module, TargetPart) {
    const kernels::Shape& blocks = module.shape(OftBlocks);
    const int64_t rows = blocks[0] * blocks[1];
    if (blocks[1] != blocks[2] || blocks[1] > kLargestBlock) return std::nullopt;
    if (module.has(OftRescale) && module.shape(OftRescale).elements() != rows) return std::nullopt;
    return DeltaSize{rows, std::nullopt};
}

// Square, row after row.
struct Square {
    int64_t side;
    std::vector<double> values;
    double& at(int64_t row, int64_t column) {
        return values[static_cast<size_t>(row * side + column)];
    }
};

// -> (I + Q)(I - Q)^-1. The two commute, and I - Q of an antisymmetric Q always has an inverse: its
// symmetric half is I. Solved for as (I - Q) R = I + Q, by elimination with the largest pivot.
Square turn(const Square& q) {
    const int64_t side = q.side;
    Square left = q, right = q;
    for (double& value : left.values) value = -value;
    for (int64_t i = 0; i < side; ++i) {
        left.at(i, i) += 1;
        right.at(i, i) += 1;
    }
    const auto addRow = [side](Square& square, int64_t from, int64_t to, double factor) {
        for (int64_t i = 0; i < side; ++i) square.at(to, i) += factor * square.at(from, i);
    };
    for (int64_t pivot = 0; pivot < side; ++pivot) {
        int64_t best = pivot;
        for (int64_t row = pivot + 1; row < side; ++row)
            if (std::abs(left.at(row, pivot)) > std::abs(left.at(best, pivot))) best = row;
        for (Square* square : {&left, &right})
            for (int64_t i = 0; best != pivot && i < side; ++i)
                std::swap(square->at(pivot, i), square->at(best, i));
        for (int64_t row = 0; row < side; ++row) {
            const double factor = -left.at(row, pivot) / left.at(pivot, pivot);
            if (row == pivot || factor == 0) continue;
            addRow(left, pivot, row, factor);
            addRow(right, pivot, row, factor);
        }
    }
    for (int64_t row = 0; row < side; ++row)
        for (int64_t i = 0; i < side; ++i) right.at(row, i) /= left.at(row, row);
    return right;
}

// B - B^T of each block, shortened together to alpha for each row where they are longer.
std::vector<Square> antisymmetric(const std::vector<float>& stored, int64_t side,
                                  std::optional<float> alpha) {
    const auto area = static_cast<size_t>(side * side);
    std::vector<Square> blocks;
    double squares = 0;
    for (size_t begin = 0; begin < stored.size(); begin += area) {
        Square q{side, std::vector<double>(area)};
        for (int64_t row = 0; row < side; ++row)
            for (int64_t i = 0; i < side; ++i) {
                q.at(row, i) = double{stored[begin + static_cast<size_t>(row * side + i)]} -
                               stored[begin + static_cast<size_t>(i * side + row)];
                squares += q.at(row, i) * q.at(row, i);
            }
        blocks.push_back(std::move(q));
    }
    const double limit =
        double{alpha.value_or(0)} * static_cast<double>(blocks.size()) * static_cast<double>(side);
    const double length = std::sqrt(squares) + 1e-8;
    if (limit > 0 && length > limit)
        for (Square& q : blocks)
            for (double& value : q.values) value *= limit / length;
    return blocks;
}

class OrthogonalDelta final : public WeightDelta {
  public:
    OrthogonalDelta(const LoraFile& file, const LoraModule& module, const DeltaTarget& target,
                    float strength)
        : m_before(target.before), m_side(module.shape(OftBlocks)[1]),
          m_columns(target.size.columns) {
        const std::vector<float> stored = file.read(module.parts.at(OftBlocks));
        for (const Square& q : antisymmetric(stored, m_side, module.alpha)) {
            Square mixed = turn(q);
            for (double& value : mixed.values) value *= strength;
            for (int64_t i = 0; i < m_side; ++i) mixed.at(i, i) += 1.0 - strength;
            m_turns.insert(m_turns.end(), mixed.values.begin(), mixed.values.end());
        }
        if (module.has(OftRescale)) m_rescale = file.read(module.parts.at(OftRescale));
    }

    void apply(std::span<float> rows, int64_t firstRow) const override {
        const auto columns = static_cast<size_t>(m_columns), side = static_cast<size_t>(m_side);
        std::vector<float> block(side * columns);
        auto held = static_cast<size_t>(-1);
        for (size_t i = 0; i < rows.size() / columns; ++i) {
            const size_t row = static_cast<size_t>(firstRow) + i, at = row / side;
            if (at != held) m_before(static_cast<int64_t>(at * side), block);
            held = at;
            const std::span<float> own = rows.subspan(i * columns, columns);
            std::ranges::fill(own, 0.0f);
            const float scale = m_rescale.empty() ? 1.0f : m_rescale[row];
            for (size_t other = 0; other < side; ++other) {
                const float factor = scale * m_turns[(at * side + other) * side + row % side];
                for (size_t c = 0; c < columns; ++c) own[c] += factor * block[other * columns + c];
            }
        }
    }

  private:
    RowReader m_before;
    int64_t m_side, m_columns;
    std::vector<float> m_turns;   // [blocks, side, side]
    std::vector<float> m_rescale; // one for each row; empty: none
};

std::unique_ptr<WeightDelta> make(const LoraFile& file, const LoraModule& module,
                                  const DeltaTarget& target, float strength) {
    return std::make_unique<OrthogonalDelta>(file, module, target, strength);
}

} // namespace

const DeltaKind kOrthogonalKind{"OFT", fits, size, make};

} // namespace kinora::pipelines
