#include "core/engine/checkpoint_file.h"
#include "kernels/base/log.h"

#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::span<const std::byte> bytesOf(const std::string& text) {
    return std::as_bytes(std::span(text));
}

} // namespace

class CheckpointFileTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_dir;
    CheckpointFile::Clock::time_point m_now{1000s};
    std::vector<std::string> m_warnings;

    fs::path path() const { return fs::path(m_dir.path().toStdString()) / "job.checkpoint"; }
    CheckpointFile store() {
        return CheckpointFile(path(), [this] { return m_now; });
    }
    static std::string latest(CheckpointFile& file) {
        const auto bytes = file.latest();
        return bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size())
                     : "error: " + bytes.error().message();
    }
    size_t filesInFolder() const {
        return static_cast<size_t>(
            std::distance(fs::directory_iterator(path().parent_path()), fs::directory_iterator()));
    }

  private slots:
    void init() {
        fs::remove_all(path());
        m_warnings.clear();
        setLogSink([this](LogLevel level, std::string_view message) {
            if (level == LogLevel::Warning) m_warnings.emplace_back(message);
        });
    }
    void cleanup() { setLogSink({}); }

    void keepsTheLatestUntilItIsCleared() {
        CheckpointFile file = store();
        QCOMPARE(latest(file), std::string());
        file.keep(bytesOf("one"), KeepWhen::Now);
        file.keep(bytesOf("two"), KeepWhen::Now);
        CheckpointFile other = store(); // of the next process
        QCOMPARE(latest(other), std::string("two"));
        QCOMPARE(filesInFolder(), size_t{1});
        other.clear();
        QCOMPARE(latest(file), std::string());
        QCOMPARE(filesInFolder(), size_t{0});
        other.clear(); // nothing there is no trouble
        QVERIFY(m_warnings.empty());
    }

    void writesEveryTenSecondsAndAtOnceWhereItMatters() {
        CheckpointFile file = store();
        QVERIFY(!file.wants(KeepWhen::Due));
        QVERIFY(file.wants(KeepWhen::Now));
        file.keep(bytesOf("early"), KeepWhen::Due);
        QCOMPARE(latest(file), std::string());
        m_now += 9999ms;
        QVERIFY(!file.wants(KeepWhen::Due));
        m_now += 1ms;
        QVERIFY(file.wants(KeepWhen::Due));
        file.keep(bytesOf("first"), KeepWhen::Due);
        QCOMPARE(latest(file), std::string("first"));
        QVERIFY(!file.wants(KeepWhen::Due));
        m_now += 5s;
        file.keep(bytesOf("second"), KeepWhen::Now);
        QCOMPARE(latest(file), std::string("second"));
        m_now += 9s; // ten from the last that was written, for whatever reason
        QVERIFY(!file.wants(KeepWhen::Due));
        m_now += 1s;
        QVERIFY(file.wants(KeepWhen::Due));
    }

    // The limit on a file's size stands for a full disk: the same code, without mounting one.
    void aFullDiskIsAWarningAndLeavesWhatWasKept() {
        std::signal(SIGXFSZ, SIG_IGN);
        CheckpointFile file = store();
        file.keep(bytesOf("small"), KeepWhen::Now);
        rlimit before{};
        QCOMPARE(getrlimit(RLIMIT_FSIZE, &before), 0);
        rlimit limit = before;
        limit.rlim_cur = 1000;
        QCOMPARE(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const std::string large(5000, 'x');
        file.keep(bytesOf(large), KeepWhen::Now);
        file.keep(bytesOf(large), KeepWhen::Now);
        QCOMPARE(setrlimit(RLIMIT_FSIZE, &before), 0);
        QCOMPARE(latest(file), std::string("small"));
        QCOMPARE(filesInFolder(), size_t{1});
        QCOMPARE(m_warnings.size(), size_t{1}); // once, not at every try
        QVERIFY2(m_warnings[0].find("job.checkpoint") != std::string::npos, m_warnings[0].c_str());
        QVERIFY2(m_warnings[0].find("it goes on") != std::string::npos, m_warnings[0].c_str());
        QVERIFY(!file.wants(KeepWhen::Due)); // it is not tried again at every step
        file.keep(bytesOf(large), KeepWhen::Now);
        QCOMPARE(latest(file), large);
    }

    // A process that is killed as it writes leaves the old or the new, never a part.
    void holdsAWholeCheckpointWheneverItsWriterIsKilled() {
        constexpr size_t kSize = 300'000; // more than one write takes
        CheckpointFile file = store();
        file.keep(bytesOf(std::string(kSize, 'a')), KeepWhen::Now);
        std::set<char> found;
        for (int round = 0; round < 20; ++round) {
            const pid_t writer = fork();
            QVERIFY(writer >= 0);
            if (writer == 0)
                for (char letter = 'b';;
                     letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1))
                    file.keep(bytesOf(std::string(kSize, letter)), KeepWhen::Now);
            usleep(static_cast<useconds_t>(3000 + round * 1700));
            QCOMPARE(kill(writer, SIGKILL), 0);
            QCOMPARE(waitpid(writer, nullptr, 0), writer);
            const std::string kept = latest(file);
            QCOMPARE(kept, std::string(kSize, kept.at(0)));
            found.insert(kept[0]);
        }
        QVERIFY(found.size() > 1); // it did write
        for (const auto& entry : fs::directory_iterator(path().parent_path()))
            fs::remove(entry.path()); // temporaries too: nobody cleans up after a SIGKILL
    }

    void aFolderThatIsNotThereIsAWarning() {
        CheckpointFile file(path().parent_path() / "none" / "job.checkpoint");
        file.keep(bytesOf("one"), KeepWhen::Now);
        QCOMPARE(m_warnings.size(), size_t{1});
        QCOMPARE(latest(file), std::string());
    }

    void neverWaitsForAPipeNorReadsAFolder() {
        CheckpointFile file = store();
        QCOMPARE(mkfifo(path().c_str(), 0600), 0);
        QVERIFY(latest(file).find("a pipe or a device") != std::string::npos);
        fs::remove(path());
        fs::create_directory(path());
        QVERIFY(latest(file).find("a folder") != std::string::npos);
    }

    void refusesWhatIsTooLargeWithoutReadingIt() {
        std::ofstream(path()).put('x');
        fs::resize_file(path(), uint64_t{64} << 30); // a hole
        CheckpointFile file = store();
        QVERIFY(latest(file).find("too large") != std::string::npos);
    }
};

QTEST_APPLESS_MAIN(CheckpointFileTest)
#include "checkpoint_file_test.moc"
