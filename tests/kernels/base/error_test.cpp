#include "kernels/base/error.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <type_traits>

using namespace kinora;

TEST_CASE("an error keeps its code, message and advice apart") {
    const Error error(ErrorCode::BadFile, "a.png: is cut short", "Fetch it again.");
    CHECK(error.code() == ErrorCode::BadFile);
    CHECK(error.message() == "a.png: is cut short");
    CHECK(error.advice() == "Fetch it again.");
    CHECK(std::string(error.what()) == "a.png: is cut short Fetch it again.");
}

TEST_CASE("without advice the message stands alone") {
    const Error error(ErrorCode::Io, "a.png: cannot be read");
    CHECK(error.advice().empty());
    CHECK(std::string(error.what()) == "a.png: cannot be read");
}

TEST_CASE("each code has a name of its own") {
    std::set<std::string_view> names;
    const int last = static_cast<int>(ErrorCode::Internal);
    for (int code = 0; code <= last; ++code) {
        names.insert(errorCodeName(static_cast<ErrorCode>(code)));
    }
    CHECK(names.size() == static_cast<size_t>(last) + 1);
    CHECK(errorCodeName(ErrorCode::DoesNotFit) == "does-not-fit");
}

TEST_CASE("being cancelled is no error") {
    CHECK_FALSE(std::is_base_of_v<std::exception, Cancelled>);
}
