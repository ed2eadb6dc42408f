#include "pipelines/weights/lora/factored_matrix.h"

#include "pipelines/weights/lora/matrix_product.h"

namespace kinora::pipelines {

int64_t FactoredMatrix::rankOf(const LoraModule& module, const FactorParts& parts) {
    return module.shape(parts.b)[0];
}

std::optional<MatrixSize> FactoredMatrix::size(const LoraModule& module, const FactorParts& parts) {
    if (!module.has(parts.a) || !module.has(parts.b)) return std::nullopt;
    const kernels::Shape& a = module.shape(parts.a);
    const kernels::Shape& b = module.shape(parts.b);
    if (a.rank() < 2 || b.rank() < 2 || a.elements() == 0 || b.elements() == 0) return std::nullopt;
    const int64_t rank = b[0];
    const int64_t columns = b.elements() / rank;
    if (!module.has(parts.core)) {
        if (a.elements() / a[0] != rank) return std::nullopt;
        return MatrixSize{a[0], columns};
    }
    const kernels::Shape& core = module.shape(parts.core);
    if (core.rank() != 4 || core[0] != rank || core[1] != rank || a[0] != rank) return std::nullopt;
    return MatrixSize{a.elements() / rank, columns * core[2] * core[3]};
}

FactoredMatrix::FactoredMatrix(const LoraFile& file, const LoraModule& module,
                               const FactorParts& parts)
    : m_left(file.read(module.parts.at(parts.a))), m_right(file.read(module.parts.at(parts.b))),
      m_rank(rankOf(module, parts)), m_columns(size(module, parts)->columns) {
    if (!module.has(parts.core)) return;
    const kernels::Shape& core = module.shape(parts.core);
    const int64_t positions = core[2] * core[3];
    m_right = tuckerRight(file.read(module.parts.at(parts.core)), m_right, m_rank, m_rank,
                          m_columns / positions, positions);
    m_left = transposed(m_left, m_rank, static_cast<int64_t>(m_left.size()) / m_rank);
}

void FactoredMatrix::add(std::span<float> rows, int64_t firstRow, float scale) const {
    addProduct(rows, m_left.data() + firstRow * m_rank, m_right, m_rank, m_columns, scale);
}

} // namespace kinora::pipelines
