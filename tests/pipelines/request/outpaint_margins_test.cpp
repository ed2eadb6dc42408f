#include "pipelines/request/outpaint_margins.h"

#include <doctest/doctest.h>

using namespace kinora::pipelines;

TEST_CASE("four numbers are margins") {
    const auto margins = parseOutpaintMargins("128,0,64,4096");
    REQUIRE(margins);
    CHECK(margins->left == 128);
    CHECK(margins->top == 0);
    CHECK(margins->right == 64);
    CHECK(margins->bottom == 4096);
}

TEST_CASE("all else is none") {
    for (const char* text : {"", "1", "1,2,3", "1,2,3,4,5", "0,0,0,0", "-1,0,0,0", "1,2,3,4097",
                             "1, 2,3,4", "a,b,c,d", "1,2,3,4 ", "99999999999999999999,0,0,1"}) {
        CAPTURE(text);
        CHECK_FALSE(parseOutpaintMargins(text));
    }
}
