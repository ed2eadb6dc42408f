#include "kernels/base/atomic_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <csignal>
#include <iterator>
#include <sys/resource.h>

using kinora::AtomicFile;
using kinora::test::contains;
using kinora::test::TemporaryFolder;
using kinora::test::thrownBy;

namespace fs = std::filesystem;

namespace {

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

size_t filesIn(const fs::path& folder) {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

void write(const fs::path& path, const std::string& text, AtomicFile::Replace replace) {
    AtomicFile file(path, path.string());
    file.write(std::as_bytes(std::span(text).first(1)));
    file.write(std::as_bytes(std::span(text).subspan(1)));
    CHECK(filesIn(path.parent_path()) >= 1); // beside it, until it is published
    file.publish(replace);
}

} // namespace

TEST_CASE("a file appears whole, over an older one only where it may") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "a.txt";
    write(path, "first", AtomicFile::Replace::No);
    CHECK(contentOf(path) == "first");
    write(path, "second", AtomicFile::Replace::Yes);
    CHECK(contentOf(path) == "second");
    const std::string refusal = thrownBy([&] { write(path, "third", AtomicFile::Replace::No); });
    CHECK(refusal.starts_with("invalid-argument: "));
    CHECK(contains(refusal, path.string()));
    CHECK(contentOf(path) == "second");
    CHECK(filesIn(folder.path()) == 1);
}

TEST_CASE("nothing is left of a file that was not published") {
    const TemporaryFolder folder;
    {
        AtomicFile file(folder.path() / "a.txt", "a.txt");
        file.write(std::as_bytes(std::span("abc")));
        CHECK(filesIn(folder.path()) == 1);
        CHECK_FALSE(fs::exists(folder.path() / "a.txt"));
    }
    CHECK(filesIn(folder.path()) == 0);
}

TEST_CASE("a folder that is missing is named") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "none" / "a.txt";
    const std::string error = thrownBy([&] { AtomicFile(path, path.string()); });
    CHECK(error.starts_with("io: "));
    CHECK(contains(error, path.parent_path().string() + " does not exist"));
}

TEST_CASE("a full disk is told from other trouble, and the old file stays") {
    const TemporaryFolder folder;
    const fs::path path = folder.write("a.txt", "old");
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit small = before;
    small.rlim_cur = 1000; // as if no more room were there
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string error =
        thrownBy([&] { write(path, std::string(size_t{1} << 20, 'x'), AtomicFile::Replace::Yes); });
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK(error.starts_with("disk-full: " + path.string()));
    CHECK(contentOf(path) == "old");
    CHECK(filesIn(folder.path()) == 1);
}

TEST_CASE("what is left beside a name gets it later, where it is free") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "a.png", beside = folder.path() / ".a.tmp";
    folder.write(".a.tmp", "half of an earlier one");
    {
        AtomicFile file(path, beside, path.string());
        file.write(std::as_bytes(std::span("whole", 5)));
        file.leaveBeside();
    }
    CHECK(contentOf(beside) == "whole");
    CHECK(!fs::exists(path));
    folder.write("a.png", "mine");
    const auto move = [&](AtomicFile::Replace replace) {
        kinora::moveIntoPlace(beside, path, path.string(), replace);
    };
    CHECK(thrownBy([&] { move(AtomicFile::Replace::No); }).starts_with("invalid-argument: "));
    CHECK(contentOf(path) == "mine");
    CHECK(contentOf(beside) == "whole");
    move(AtomicFile::Replace::Yes);
    CHECK(contentOf(path) == "whole");
    CHECK(filesIn(folder.path()) == 1);
}
