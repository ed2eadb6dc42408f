#include "core/library/file_hash.h"

#include <QTemporaryDir>
#include <QTest>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

namespace {

constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

// As if it had been there for an hour.
void writeLongAgo(const fs::path& path, const std::string& text) {
    write(path, text);
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
}

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

class FileHashTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_dir;
    fs::path path(const char* name) const { return fs::path(m_dir.path().toStdString()) / name; }

  private slots:
    void knowsThePublishedValue() {
        write(path("abc"), "abc");
        QCOMPARE(*FileHashes({}).hash(path("abc")), std::string(kOfAbc));
    }

    void remembersAcrossRunsAndSeesChanges() {
        writeLongAgo(path("file"), "abc");
        const fs::path cache = path("deep/er/cache.json");
        FileHashes first(cache);
        QCOMPARE(*first.hash(path("file")), std::string(kOfAbc));
        first.save();
        std::string text = read(cache);
        QVERIFY(text.find(kOfAbc) != std::string::npos);
        // What the cache says is believed: so it was used.
        const std::string other(64, 'b');
        text.replace(text.find(kOfAbc), 64, other);
        write(cache, text);
        QCOMPARE(*FileHashes(cache).hash(path("file")), other);
        write(path("file"), "abcd");
        QVERIFY(*FileHashes(cache).hash(path("file")) != other);
    }

    // In place, of the same size and within one step of the file system's clock.
    void seesAChangeThatTheStampDoesNot() {
        const fs::path file = path("quick"), cache = path("quick.json");
        const auto now = fs::file_time_type::clock::now();
        const auto writeNow = [&](const std::string& text) {
            write(file, text);
            fs::last_write_time(file, now);
        };
        writeNow("abc");
        FileHashes first(cache);
        QCOMPARE(*first.hash(file), std::string(kOfAbc));
        first.save();
        writeNow("abd");
        QVERIFY(*FileHashes(cache).hash(file) != kOfAbc);
    }

    void startsAnewFromADamagedCache_data() {
        QTest::addColumn<std::string>("text");
        QTest::addRow("empty") << std::string();
        QTest::addRow("cut short") << std::string("{\"1:2:3:4.5\": \"ab");
        QTest::addRow("a list") << std::string("[1, 2]");
        QTest::addRow("wrong values") << std::string("{\"1:2:3:4.5\": 7, \"x\": \"zz\"}");
        QTest::addRow("deep") << std::string(100'000, '[');
    }
    void startsAnewFromADamagedCache() {
        QFETCH(std::string, text);
        writeLongAgo(path("file2"), "abc");
        write(path("bad.json"), text);
        FileHashes hashes(path("bad.json"));
        QCOMPARE(*hashes.hash(path("file2")), std::string(kOfAbc));
        hashes.save();
        QVERIFY(read(path("bad.json")).find(kOfAbc) != std::string::npos);
    }

    void stopsWhenItIsCancelled() {
        write(path("large"), std::string(100, 'a'));
        CancelToken cancel;
        cancel.cancel();
        QVERIFY_THROWS_EXCEPTION(Cancelled, (void)FileHashes({}).hash(path("large"), cancel));
    }

    void refusesWhatIsNoFile() {
        QCOMPARE(FileHashes({}).hash(path("none")).error().code(), ErrorCode::NotFound);
        QCOMPARE(FileHashes({}).hash(m_dir.path().toStdString()).error().code(),
                 ErrorCode::BadFile);
        QCOMPARE(mkfifo(path("pipe").c_str(), 0600), 0);
        QCOMPARE(FileHashes({}).hash(path("pipe")).error().code(), ErrorCode::BadFile);
    }
};

QTEST_GUILESS_MAIN(FileHashTest)
#include "file_hash_test.moc"
