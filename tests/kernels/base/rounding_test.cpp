#include "kernels/base/rounding.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>

using kinora::ceilDiv;
using kinora::roundUp;

TEST_CASE("parts that are not full count, and nothing needs none") {
    CHECK(ceilDiv(int64_t{0}, 4) == 0);
    CHECK(ceilDiv(int64_t{1}, 4) == 1);
    CHECK(ceilDiv(int64_t{4}, 4) == 1);
    CHECK(ceilDiv(std::size_t{9}, 4) == 3);
    CHECK(roundUp(int64_t{0}, 16) == 0);
    CHECK(roundUp(int64_t{17}, 16) == 32);
    CHECK(roundUp(std::size_t{4096}, 4096) == 4096);
}
