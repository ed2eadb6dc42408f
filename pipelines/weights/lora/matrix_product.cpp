#include "pipelines/weights/lora/matrix_product.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

// A strip of columns stays in the first cache while all rows pass over it.
constexpr int64_t kStrip = 1024;

// Four rows of the right matrix at once: a load and a store of the sum for four products.
void addFour(float* sum, const float* right, int64_t stride, const float* factors, int64_t count) {
    const float* const b0 = right;
    const float* const b1 = right + stride;
    const float* const b2 = right + 2 * stride;
    const float* const b3 = right + 3 * stride;
    const float a0 = factors[0], a1 = factors[1], a2 = factors[2], a3 = factors[3];
    for (int64_t i = 0; i < count; ++i)
        sum[i] = (((sum[i] + a0 * b0[i]) + a1 * b1[i]) + a2 * b2[i]) + a3 * b3[i];
}

void addOne(float* sum, const float* right, float factor, int64_t count) {
    for (int64_t i = 0; i < count; ++i) sum[i] += factor * right[i];
}

} // namespace

void addProduct(std::span<float> sum, const float* left, std::span<const float> right,
                int64_t inner, int64_t columns, float scale) {
    const int64_t rows = static_cast<int64_t>(sum.size()) / columns;
    std::vector<float> product(static_cast<size_t>(std::min(kStrip, columns)));
    for (int64_t first = 0; first < columns; first += kStrip) {
        const int64_t count = std::min(kStrip, columns - first);
        for (int64_t row = 0; row < rows; ++row) {
            std::fill(product.begin(), product.end(), 0.0f);
            const float* const factors = left + row * inner;
            int64_t k = 0;
            for (; k + 4 <= inner; k += 4)
                addFour(product.data(), right.data() + k * columns + first, columns, factors + k,
                        count);
            for (; k < inner; ++k)
                addOne(product.data(), right.data() + k * columns + first, factors[k], count);
            float* const to = sum.data() + row * columns + first;
            for (int64_t i = 0; i < count; ++i) to[i] += scale * product[static_cast<size_t>(i)];
        }
    }
}

std::vector<float> transposed(std::span<const float> matrix, int64_t rows, int64_t columns) {
    std::vector<float> result(matrix.size());
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column)
            result[static_cast<size_t>(column * rows + row)] =
                matrix[static_cast<size_t>(row * columns + column)];
    return result;
}

std::vector<float> tuckerRight(std::span<const float> core, std::span<const float> right,
                               int64_t outer, int64_t inner, int64_t columns, int64_t positions) {
    std::vector<float> result(static_cast<size_t>(outer * columns * positions));
    for (int64_t i = 0; i < outer; ++i)
        for (int64_t j = 0; j < inner; ++j)
            for (int64_t column = 0; column < columns; ++column) {
                const float factor = right[static_cast<size_t>(j * columns + column)];
                const float* const from = core.data() + (i * inner + j) * positions;
                float* const to = result.data() + (i * columns + column) * positions;
                for (int64_t k = 0; k < positions; ++k) to[k] += factor * from[k];
            }
    return result;
}

} // namespace kinora::pipelines
