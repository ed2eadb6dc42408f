// Files appear whole or not at all, and nobody's file is lost.

#include "core/media/publish_file.h"
#include "tests/core/media/media_samples.h"

#include <QTemporaryDir>
#include <QTest>

#include <atomic>
#include <csignal>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

class PublishFileTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_dir;
    fs::path root() const { return m_dir.path().toStdString(); }

    static Result<void> publish(const std::string& text, const fs::path& path,
                                Overwrite overwrite) {
        return publishFile(std::as_bytes(std::span(text.data(), text.size())), path, overwrite);
    }
    static size_t filesIn(const fs::path& folder) {
        return static_cast<size_t>(
            std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
    }
    static fs::path folder(const fs::path& path) {
        fs::create_directories(path);
        return path;
    }

  private slots:
    void writesAndReplacesOnlyWhenAsked() {
        const fs::path file = folder(root() / "plain") / "a.txt";
        QVERIFY(publish("one", file, Overwrite::No));
        QCOMPARE(samples::bytesOf(file), std::string("one"));
        const Result<void> again = publish("two", file, Overwrite::No);
        QCOMPARE(again.error().code(), ErrorCode::InvalidArgument);
        QCOMPARE(samples::bytesOf(file), std::string("one"));
        QVERIFY(publish("three", file, Overwrite::Yes));
        QCOMPARE(samples::bytesOf(file), std::string("three"));
        QCOMPARE(filesIn(file.parent_path()), size_t{1});
    }

    void refusesFoldersDevicesAndMissingPlaces() {
        const fs::path place = folder(root() / "odd");
        fs::create_directory(place / "folder");
        QCOMPARE(publish("x", place / "folder", Overwrite::Yes).error().code(),
                 ErrorCode::InvalidArgument);
        QCOMPARE(publish("x", "/dev/null", Overwrite::Yes).error().code(),
                 ErrorCode::InvalidArgument);
        QCOMPARE(mkfifo((place / "pipe").c_str(), 0600), 0);
        QCOMPARE(publish("x", place / "pipe", Overwrite::Yes).error().code(),
                 ErrorCode::InvalidArgument);
        const Result<void> missing = publish("x", place / "none" / "a.png", Overwrite::No);
        QCOMPARE(missing.error().code(), ErrorCode::Io);
        QVERIFY(missing.error().message().find("does not exist") != std::string::npos);
        QCOMPARE(publish("x", place / std::string(300, 'n'), Overwrite::No).error().code(),
                 ErrorCode::Io);
        QCOMPARE(filesIn(place), size_t{2});
    }

    void refusesADanglingLinkUnlessAsked() {
        const fs::path place = folder(root() / "links");
        fs::create_symlink(place / "target", place / "link");
        QVERIFY(!publish("x", place / "link", Overwrite::No));
        QVERIFY(!fs::exists(place / "target"));
    }

    void losesNothingWhenManyWantOneName() {
        const fs::path file = folder(root() / "race") / "a.txt";
        std::atomic<int> winners{0};
        std::atomic<int> refused{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                const Result<void> done = publish(std::to_string(i), file, Overwrite::No);
                if (done) {
                    ++winners;
                } else if (done.error().code() == ErrorCode::InvalidArgument) {
                    ++refused;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        QCOMPARE(winners.load(), 1);
        QCOMPARE(refused.load(), 7);
        QCOMPARE(filesIn(file.parent_path()), size_t{1});
    }

    void keepsTheOldFileWhenTheDiskIsFull() {
        const fs::path place = folder(root() / "full");
        const bool mounted =
            geteuid() == 0 && mount("none", place.c_str(), "tmpfs", 0, "size=256k") == 0;
        const fs::path file = place / "a.png";
        QVERIFY(publish("old", file, Overwrite::No));
        rlimit before{};
        if (!mounted) { // no right to mount: a limit on the size of files does the same
            getrlimit(RLIMIT_FSIZE, &before);
            std::signal(SIGXFSZ, SIG_IGN);
            rlimit small = before;
            small.rlim_cur = 100'000;
            setrlimit(RLIMIT_FSIZE, &small);
        }
        const Result<void> done = publish(std::string(1U << 20, 'x'), file, Overwrite::Yes);
        const Result<void> other =
            publish(std::string(1U << 20, 'x'), place / "b.png", Overwrite::No);
        if (!mounted) setrlimit(RLIMIT_FSIZE, &before);
        const std::string kept = samples::bytesOf(file);
        const size_t files = filesIn(place);
        if (mounted) QCOMPARE(umount(place.c_str()), 0);
        QVERIFY(!done && !other);
        QCOMPARE(done.error().code(), ErrorCode::DiskFull);
        QVERIFY(done.error().message().find("a.png") != std::string::npos);
        QCOMPARE(other.error().code(), ErrorCode::DiskFull);
        QCOMPARE(kept, std::string("old"));
        QCOMPARE(files, size_t{1}); // no temporary, no second file
    }
};

QTEST_GUILESS_MAIN(PublishFileTest)
#include "publish_file_test.moc"
