#include "pipelines/weights/lora/matrix_product.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;

TEST_CASE("a product is added, whatever the sizes") {
    for (const int64_t inner : {1, 3, 4, 9})
        for (const int64_t columns : {1, 5, 1023, 1024, 2500}) {
            constexpr int64_t rows = 3;
            std::vector<float> left(static_cast<size_t>(rows * inner)),
                right(static_cast<size_t>(inner * columns)),
                sum(static_cast<size_t>(rows * columns), 2);
            for (size_t i = 0; i < left.size(); ++i) left[i] = static_cast<float>(i % 7) - 3;
            for (size_t i = 0; i < right.size(); ++i) right[i] = static_cast<float>(i % 11) - 5;
            addProduct(sum, left.data(), right, inner, columns, 0.5f);
            bool same = true;
            for (int64_t row = 0; row < rows; ++row)
                for (int64_t column = 0; column < columns; ++column) {
                    double expected = 0;
                    for (int64_t k = 0; k < inner; ++k)
                        expected += double{left[static_cast<size_t>(row * inner + k)]} *
                                    right[static_cast<size_t>(k * columns + column)];
                    same = same && sum[static_cast<size_t>(row * columns + column)] ==
                                       static_cast<float>(2 + 0.5 * expected);
                }
            CHECK(same);
        }
}

TEST_CASE("matrices are turned") {
    const std::vector<float> matrix = {1, 2, 3, 4, 5, 6};
    CHECK((transposed(matrix, 2, 3) == std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST_CASE("the right half of a Tucker form") {
    // core [1, 2, 2]: {1, 2}, {3, 4}; right [2, 1]: {10}, {100}
    CHECK((tuckerRight(std::vector<float>{1, 2, 3, 4}, std::vector<float>{10, 100}, 1, 2, 1, 2) ==
           std::vector<float>{310, 420}));
}
