#include "kernels/base/result.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace kinora;

namespace {

Result<std::unique_ptr<int>> makeNumber(bool works) {
    if (!works) return Error(ErrorCode::NotFound, "no number");
    return std::make_unique<int>(7);
}

} // namespace

TEST_CASE("a result holds a value") {
    auto result = makeNumber(true);
    REQUIRE(result);
    CHECK(result.ok());
    CHECK(**result == 7);
    const std::unique_ptr<int> taken = *std::move(result);
    CHECK(*taken == 7);
}

TEST_CASE("a result holds an error") {
    const auto result = makeNumber(false);
    CHECK_FALSE(result);
    CHECK_FALSE(result.ok());
    CHECK(result.error().code() == ErrorCode::NotFound);
}

TEST_CASE("asking a failed result for its value throws instead of inventing one") {
    auto result = makeNumber(false);
    CHECK_THROWS(static_cast<void>(*result));
}

TEST_CASE("a result without a value is good until it is given an error") {
    CHECK(Result<void>());
    const Result<void> failed = Error(ErrorCode::Io, "no room");
    CHECK_FALSE(failed.ok());
    CHECK(failed.error().message() == "no room");
}
