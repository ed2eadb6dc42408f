#include "kernels/base/error.h"
#include "kernels/tensor/shape.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace kinora;
using namespace kinora::kernels;

TEST_CASE("a shape knows its extents") {
    const Shape shape{2, 3, 5};
    CHECK(shape.rank() == 3);
    CHECK(shape[0] == 2);
    CHECK(shape[-1] == 5);
    CHECK(shape.last() == 5);
    CHECK(shape.elements() == 30);
    CHECK(toString(shape) == "[2, 3, 5]");
    CHECK((shape.with(-1, 7) == Shape{2, 3, 7}));
    CHECK((shape == Shape{2, 3, 5}));
    CHECK((shape != Shape{2, 3}));
    CHECK((shape != Shape{2, 3, 5, 1}));
}

TEST_CASE("no axes is one element, an empty axis none") {
    CHECK(Shape{}.elements() == 1);
    CHECK(Shape{}.last() == 1);
    CHECK(toString(Shape{}) == "[]");
    CHECK(Shape{3, 0, 5}.elements() == 0);
}

TEST_CASE("impossible shapes are refused") {
    CHECK_THROWS_AS((Shape{2, -1}), Error);
    CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1}), Error);
    CHECK_THROWS_AS((Shape{INT64_MAX, 2}), Error);
    CHECK_THROWS_AS((Shape{int64_t{1} << 32, int64_t{1} << 31}), Error);
    CHECK_NOTHROW(Shape{int64_t{1} << 31, int64_t{1} << 31});
    CHECK_NOTHROW(Shape{1, 1, 1, 1, 1, 1});
}
