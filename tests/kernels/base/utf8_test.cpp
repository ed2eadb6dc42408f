#include "kernels/base/utf8.h"

#include <doctest/doctest.h>

#include <string>

using kinora::isValidUtf8;

TEST_CASE("every code point is taken in its shortest form, surrogates are not") {
    for (uint32_t c = 0; c <= 0x10ffff; ++c) {
        std::string text;
        if (c < 0x80)
            text = {static_cast<char>(c)};
        else if (c < 0x800)
            text = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
        else if (c < 0x10000)
            text = {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
                    static_cast<char>(0x80 | (c & 63))};
        else
            text = {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63)),
                    static_cast<char>(0x80 | (c >> 6 & 63)), static_cast<char>(0x80 | (c & 63))};
        const bool surrogate = c >= 0xd800 && c < 0xe000;
        REQUIRE(isValidUtf8(text) == !surrogate);
        if (text.size() > 1) REQUIRE(!isValidUtf8(text.substr(0, text.size() - 1)));
    }
}

TEST_CASE("overlong, torn and impossible bytes are refused") {
    for (const char* bad :
         {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc3(", "\xe2\x82(", "\xf0\x9f\x98("})
        CHECK(!isValidUtf8(bad));
    CHECK(isValidUtf8(""));
}
