#include "pipelines/weights/regular_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <sys/stat.h>

using namespace kinora::pipelines;
using kinora::test::contains;
using kinora::test::TemporaryFolder;
using kinora::test::thrownBy;

TEST_CASE("a file is read at offsets") {
    const TemporaryFolder folder;
    const RegularFile file(folder.write("a", "hello world"), "a");
    CHECK(file.sizeBytes() == 11);
    std::array<std::byte, 5> bytes;
    file.read(6, bytes);
    CHECK(std::memcmp(bytes.data(), "world", 5) == 0);
    CHECK(thrownBy([&] { file.read(7, bytes); }).starts_with("io: a: ended at byte 11"));
    CHECK(readTextFile(folder.path() / "a", "a", 11) == "hello world");
    CHECK(contains(thrownBy([&] { readTextFile(folder.path() / "a", "a", 10); }), "at most 10"));
}

TEST_CASE("a pipe in a file's place does not hang") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(contains(thrownBy([&] { RegularFile(path, "pipe"); }), "is a pipe or a device"));
}

TEST_CASE("a name that is too long for any file is not taken for a trouble of the disk") {
    const TemporaryFolder folder;
    const auto path = folder.path() / std::string(300, 'x');
    CHECK(thrownBy([&] { RegularFile(path, "long"); }).starts_with("not-found: long: the name"));
}
