#include "kernels/base/error_code.h"

#include <doctest/doctest.h>

#include <set>

using kinora::ErrorCode;

TEST_CASE("every code comes back from its name, and each name is its own") {
    std::set<std::string_view> names;
    for (int number = 0; number <= static_cast<int>(ErrorCode::Internal); ++number) {
        const auto code = static_cast<ErrorCode>(number);
        const std::string_view name = kinora::errorCodeName(code);
        CHECK(names.insert(name).second);
        CHECK(kinora::errorCodeNamed(name) == code);
    }
    CHECK(names.size() == 12);
}

TEST_CASE("what is no code's name is none") {
    for (const char* name : {"", "Internal", "bad-file ", "full"})
        CHECK(!kinora::errorCodeNamed(name));
}
