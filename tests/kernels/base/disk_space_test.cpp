#include "kernels/base/disk_space.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>

#include <cerrno>

using kinora::freeDiskBytes;
using kinora::isDiskFull;

TEST_CASE("full disks, quotas and limits are one thing, other errors are not") {
    for (const int error : {ENOSPC, EDQUOT, EFBIG}) CHECK(isDiskFull(error));
    for (const int error : {0, EIO, EACCES, ENOENT, EROFS, ENOMEM}) CHECK(!isDiskFull(error));
}

TEST_CASE("a folder that is not there yet has the room of the one above it") {
    const kinora::test::TemporaryFolder folder;
    const auto there = freeDiskBytes(folder.path());
    REQUIRE(there.has_value());
    const auto below = freeDiskBytes(folder.path() / "a" / "b");
    REQUIRE(below.has_value());
    // Others write meanwhile.
    const double ratio = static_cast<double>(*below) / static_cast<double>(*there);
    CHECK(ratio == doctest::Approx(1).epsilon(0.5));
    CHECK(freeDiskBytes("not/there/relative").has_value());
    CHECK(freeDiskBytes("").has_value());
}

TEST_CASE("a file system without any room says so") {
    CHECK(freeDiskBytes("/proc").value_or(1) == 0);
}
