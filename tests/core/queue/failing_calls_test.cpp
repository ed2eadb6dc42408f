// Every system call that writes, flushes, renames or removes fails, or is the last one of the
// process, one after another: whatever happens, each picture is there once in the end, the user's
// files are as they were, and the queue is sound.
#include "core/media/image_file.h"
#include "core/queue/dispatcher.h"
#include "tests/core/queue/failing_calls.h"
#include "tests/core/queue/queue_samples.h"
#include "tests/core/queue/scripted_engine.h"

#include <fstream>
#include <map>
#include <sys/wait.h>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::testing;

namespace {

namespace fs = std::filesystem;
using How = FailingCalls::How;

constexpr int kEnded = 0, kError = 3, kNotReached = 4;

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::map<std::string, std::string> filesIn(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(folder))
        files[entry.path().filename().string()] = contentOf(entry.path());
    return files;
}

// A queue of two jobs with three pictures; the user's file has the name of one of them, and another
// one may be replaced.
void fill(const QueueSample& sample) {
    QueueStore store = sample.open();
    sample.add(store, "fox", 2);
    NewJob hen = sample.job("hen");
    hen.output.overwrite = Overwrite::Yes;
    sample.add(store, hen);
    fs::create_directories(sample.pictures());
    std::ofstream(sample.pictures() / "fox-1.png") << "mine";
    std::ofstream(sample.pictures() / "hen-0.png") << "may be replaced";
}

Result<void> workThrough(const QueueSample& sample) {
    ScriptedEngine engine({});
    Dispatcher::Options options;
    options.lookEvery = options.roomEvery = std::chrono::milliseconds(5);
    auto dispatcher = Dispatcher::open(sample.data(), engine, options);
    if (!dispatcher) return dispatcher.error();
    // A disk that stays full would be waited for without an end.
    std::jthread limit([&](std::stop_token stop) {
        const FailingCalls& failing = failingCalls();
        if (failing.how != How::ForGood) return;
        for (int left = 20; left > 0 && !stop.stop_requested();) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            if (failing.calls >= failing.at) --left;
        }
        (*dispatcher)->stop(DispatcherStop::Now);
    });
    return (*dispatcher)->run();
}

// In a process of its own, with the call that fails. Returns its exit status, or -1 where it was
// killed.
int runWithFailure(const QueueSample& sample, int at, How how, int error) {
    const pid_t child = ::fork();
    if (child == 0) {
        FailingCalls& calls = failingCalls();
        calls.folder = sample.folder.path().string();
        calls.at = at;
        calls.error = error;
        calls.how = how;
        const bool ended = workThrough(sample).ok();
        calls.how = How::Never;
        ::_exit(calls.calls < at ? kNotReached : ended ? kEnded : kError);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool isSound(Database& database) {
    Statement check(database, "PRAGMA integrity_check");
    return check.next() && check.text(0) == "ok";
}

// Empty where the queue and the pictures are as they should be after all that.
QString breach(const QueueSample& sample) {
    QueueStore store = sample.open();
    if (!isSound(store.database())) return QStringLiteral("the database is damaged");
    const auto failed = store.jobsIn(std::array{JobState::Failed});
    if (!store.apply(JobAction::Retry, *failed)) return QStringLiteral("no retry");
    if (const auto again = workThrough(sample); !again)
        return QString::fromUtf8(again.error().what());
    for (const QueueJobId id : {1, 2})
        if (const auto job = store.find(id); job->state != JobState::Finished)
            return QString::fromStdString("job " + std::to_string(id) + " is " +
                                          std::string(jobStateName(job->state)) + " " +
                                          (job->error ? job->error->message() : std::string()));
    std::map<std::string, std::string> files = filesIn(sample.pictures());
    if (files.size() != 4) return QStringLiteral("%1 files").arg(files.size());
    if (files["fox-1.png"] != "mine") return QStringLiteral("the user's file was changed");
    for (const QueueJobId id : {1, 2})
        for (const QueueItem& item : itemsOf(store, id)) {
            const auto image = loadImage(item.path);
            const int64_t seed = *store.find(id)->request.seed + item.picture;
            if (!image || pixelHash(*image) != pixelHash(pictureOf(seed)) ||
                item.pixelHash != pixelHash(*image))
                return QString::fromStdString("not the right picture: " + item.path.string());
        }
    return {};
}

} // namespace

class FailingCallsTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        // Hundreds of queues, each flushed dozens of times: in memory where there is such a place.
        if (::access("/dev/shm", W_OK) == 0) qputenv("TMPDIR", "/dev/shm");
        // Loaded once, for all the processes.
        QVERIFY(encodePng(pictureOf(1), std::nullopt).ok());
    }

    void whateverFailsEachPictureIsThereOnce_data() {
        QTest::addColumn<int>("how");
        QTest::addColumn<int>("error");
        QTest::newRow("killed") << int(How::Kill) << 0;
        QTest::newRow("an error, once") << int(How::Once) << EIO;
        QTest::newRow("a full disk, once") << int(How::Once) << ENOSPC;
        QTest::newRow("an error, for good") << int(How::ForGood) << EIO;
        QTest::newRow("a full disk, for good") << int(How::ForGood) << ENOSPC;
    }
    void whateverFailsEachPictureIsThereOnce() {
        QFETCH(int, how);
        QFETCH(int, error);
        int at = 1, stopped = 0;
        for (;; ++at) {
            const QueueSample sample;
            fill(sample);
            const int status = runWithFailure(sample, at, How(how), error);
            if (status == kNotReached) break;
            if (status != kEnded) ++stopped;
            if (How(how) == How::Kill) QCOMPARE(status, -1);
            // Before anything else is done: the user's file, and no half of a picture under a name.
            QCOMPARE(contentOf(sample.pictures() / "fox-1.png"), std::string("mine"));
            for (const auto& [name, bytes] : filesIn(sample.pictures()))
                if (name[0] != '.' && bytes != "mine" && bytes != "may be replaced")
                    QVERIFY2(loadImage(sample.pictures() / name).ok(), name.c_str());
            const QString found = breach(sample);
            QVERIFY2(found.isEmpty(), qPrintable(QStringLiteral("call %1: %2").arg(at).arg(found)));
        }
        qInfo("%d calls, %d of them ended the process or its work", at - 1, stopped);
        QVERIFY(at > 50);
    }
};

QTEST_GUILESS_MAIN(FailingCallsTest)
#include "failing_calls_test.moc"
