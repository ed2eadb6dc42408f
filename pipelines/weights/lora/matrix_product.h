#pragma once
// Small products of matrices on the host: what low-rank deltas are made of. All matrices lie row
// after row.

#include <cstdint>
#include <span>
#include <vector>

namespace kinora::pipelines {

// sum [rows, columns] += scale * left [rows, inner] x right [inner, columns]; rows follows from
// sum's size. Each element's sum runs over inner in order, so that it does not depend on how the
// rows are cut into blocks.
void addProduct(std::span<float> sum, const float* left, std::span<const float> right,
                int64_t inner, int64_t columns, float scale);

// [rows, columns] -> [columns, rows].
std::vector<float> transposed(std::span<const float> matrix, int64_t rows, int64_t columns);

// core [outer, inner, positions], right [inner, columns] -> [outer, columns, positions]: the right
// half of a convolution in Tucker form.
std::vector<float> tuckerRight(std::span<const float> core, std::span<const float> right,
                               int64_t outer, int64_t inner, int64_t columns, int64_t positions);

} // namespace kinora::pipelines
