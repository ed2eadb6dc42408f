#include "pipelines/request/free_u.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora::pipelines;

TEST_CASE("FreeU is four numbers, or off") {
    const auto freeU = parseFreeU("1.5:1.6:0.9:0");
    REQUIRE(freeU.has_value());
    CHECK(freeU->backbone1 == 1.5);
    CHECK(freeU->backbone2 == 1.6);
    CHECK(freeU->skip1 == 0.9);
    CHECK(freeU->skip2 == 0);
    const auto off = parseFreeU("off");
    REQUIRE(off.has_value());
    for (const double factor : {off->backbone1, off->backbone2, off->skip1, off->skip2})
        CHECK(factor == 1);
}

TEST_CASE("what is not that is refused") {
    for (const char* text : {"", "1.5", "1:1:1", "1:1:1:1:1", "a:1:1:1", ":1:1:1:1", "1:1:1:-1",
                             "1:1:1:11", "1:1:1:nan", "1:1:1:inf", "1:1:1:", "on"}) {
        CAPTURE(std::string(text));
        CHECK(!parseFreeU(text).has_value());
    }
}
