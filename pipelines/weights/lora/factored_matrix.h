#pragma once
// A matrix that LyCORIS stores in two factors: a [rows, rank] x b [rank, columns]; of a convolution
// in Tucker form t [rank, rank, height, width], a [rank, rows] and b [rank, columns].

#include "pipelines/weights/lora/weight_delta.h"

#include <optional>
#include <span>
#include <vector>

namespace kinora::pipelines {

struct FactorParts {
    LoraPart a, b, core;
};

class FactoredMatrix {
  public:
    // nullopt where a part is missing or they do not fit together.
    static std::optional<MatrixSize> size(const LoraModule& module, const FactorParts& parts);
    static int64_t rankOf(const LoraModule& module, const FactorParts& parts);

    // size() must have been seen to fit.
    FactoredMatrix(const LoraFile& file, const LoraModule& module, const FactorParts& parts);

    // rows [n, columns] += scale * the matrix's rows from firstRow.
    void add(std::span<float> rows, int64_t firstRow, float scale) const;

  private:
    std::vector<float> m_left, m_right; // [rows, rank], [rank, columns]
    int64_t m_rank, m_columns;
};

} // namespace kinora::pipelines
