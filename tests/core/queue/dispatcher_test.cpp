// The dispatcher with an engine that does what a script says.
#include "core/media/image_file.h"
#include "core/queue/dispatcher.h"
#include "tests/core/queue/queue_samples.h"
#include "tests/core/queue/scripted_engine.h"

#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::testing;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

Dispatcher::Options quick() {
    Dispatcher::Options options;
    options.lookEvery = 20ms;
    options.roomEvery = 50ms;
    options.busySeconds = 0.02;
    return options;
}

// Opens, runs to the end of the queue, and closes.
Result<void> runAll(const QueueSample& sample, Engine& engine,
                    Dispatcher::Options options = quick()) {
    auto dispatcher = Dispatcher::open(sample.data(), engine, std::move(options));
    if (!dispatcher) return dispatcher.error();
    return (*dispatcher)->run();
}

// Runs on a thread of its own.
class Worker {
  public:
    Worker(const QueueSample& sample, Engine& engine, Dispatcher::Options options = quick()) {
        auto opened = Dispatcher::open(sample.data(), engine, std::move(options));
        if (!opened) throw opened.error();
        m_dispatcher = *std::move(opened);
        m_thread = std::jthread([this] { m_result = m_dispatcher->run(); });
    }
    ~Worker() { (void)stop(); }
    Result<void> stop(DispatcherStop how = DispatcherStop::Now) {
        m_dispatcher->stop(how);
        return join();
    }
    Result<void> join() {
        if (m_thread.joinable()) m_thread.join();
        return m_result;
    }

  private:
    std::unique_ptr<Dispatcher> m_dispatcher;
    Result<void> m_result;
    std::jthread m_thread;
};

template <typename Condition> bool becomes(Condition condition) {
    for (int i = 0; i < 1000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

int filesIn(const fs::path& folder) {
    return fs::exists(folder) ? static_cast<int>(std::distance(fs::directory_iterator(folder),
                                                               fs::directory_iterator()))
                              : 0;
}

} // namespace

class DispatcherTest : public QObject {
    Q_OBJECT

  private slots:
    void makesEveryPictureOnceAndEnds() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const NewJob job = sample.job("fox", 3);
        const QueueJobId id = sample.add(store, job);
        sample.add(store, "hen");
        ScriptedEngine engine({});
        std::vector<std::string> told;
        Dispatcher::Options options = quick();
        options.listener = [&](const QueueEvent& event) {
            if (const auto* picture = std::get_if<JobPictureEvent>(&event))
                told.push_back(picture->path.filename().string());
        };
        QVERIFY(runAll(sample, engine, options).ok());
        QCOMPARE(told,
                 (std::vector<std::string>{"fox-0.png", "fox-1.png", "fox-2.png", "hen-0.png"}));
        QCOMPARE(stateOf(store, id), JobState::Finished);
        QCOMPARE(filesIn(sample.pictures()), 4);
        for (const QueueItem& item : itemsOf(store, id)) {
            const auto image = loadImage(item.path);
            QVERIFY(image.ok());
            QCOMPARE(pixelHash(*image), pixelHash(pictureOf(*job.request.seed + item.picture)));
            QCOMPARE(item.pixelHash, pixelHash(*image));
        }
        const auto attempts = store.attempts(id);
        QCOMPARE(attempts->size(), size_t{1});
        QCOMPARE(attempts->front().outcome, std::string("finished"));
        QCOMPARE(attempts->front().device, std::string("A device of the script"));
        QVERIFY(attempts->front().seconds.has_value());
        QCOMPARE(filesIn(sample.data() / "queue" / "checkpoints"), 0);
        QVERIFY(store.find(sample.add(store, "fox"))->secondsLeft.has_value()); // measured
    }

    void goesByPriorityThenInTurnsThenInOrder() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const auto add = [&](const char* name, const char* project, int64_t priority) {
            NewJob job = sample.job(name);
            job.project = project;
            job.priority = priority;
            sample.add(store, job);
        };
        add("a1", "a", 0);
        add("a2", "a", 0);
        add("a3", "a", 0);
        add("b1", "b", 0);
        add("b2", "b", 0);
        add("low", "c", -1);
        add("high", "a", 5);
        ScriptedEngine engine({});
        QVERIFY(runAll(sample, engine).ok());
        // "high" was a's turn.
        QCOMPARE(engine.begun(),
                 (std::vector<std::string>{"high", "b1", "a1", "b2", "a2", "a3", "low"}));
    }

    void runsAsManyAtOnceAsTheEngineSays() {
        const QueueSample sample;
        QueueStore store = sample.open();
        for (int i = 0; i < 6; ++i) sample.add(store, "job " + std::to_string(i));
        ScriptedEngine engine({.capacity = 3, .holds = true});
        Worker worker(sample, engine);
        QVERIFY(becomes([&] { return engine.begun().size() == 3; }));
        std::this_thread::sleep_for(100ms);
        QCOMPARE(engine.begun().size(), size_t{3});
        QCOMPARE(store.status()->running, int64_t{3});
        engine.release();
        QVERIFY(worker.join().ok());
        QCOMPARE(engine.mostAtOnce(), 3);
        QCOMPARE(store.status()->finished, int64_t{6});
    }

    void aJobWaitsForWhatItNeeds() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId picture = sample.add(store, "picture");
        NewJob clip = sample.job("clip");
        clip.needs = {picture};
        clip.priority = 9;
        const QueueJobId id = sample.add(store, clip);
        ScriptedEngine broken({.fails = [](const std::string& prompt, int) {
            return prompt == "picture" ? std::optional(Error(ErrorCode::OutOfMemory, "No."))
                                       : std::nullopt;
        }});
        QVERIFY(runAll(sample, broken).ok()); // and ends: nothing can go on
        QCOMPARE(stateOf(store, picture), JobState::Failed);
        QCOMPARE(stateOf(store, id), JobState::Waiting);
        QCOMPARE(store.find(id)->needs, std::vector<QueueJobId>{picture});
        QVERIFY(store.apply(JobAction::Retry, std::array{picture}).ok());
        ScriptedEngine engine({});
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(engine.begun(), (std::vector<std::string>{"picture", "clip"}));
    }

    void failuresAreToldAndTheOthersGoOn() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId bad = sample.add(store, "bad"), lost = sample.add(store, "lost"),
                         good = sample.add(store, "good");
        ScriptedEngine engine({.fails = [](const std::string& prompt, int) -> std::optional<Error> {
            if (prompt == "bad") return Error(ErrorCode::OutOfMemory, "Memory ran out.", "Less.");
            if (prompt == "lost") return Error(ErrorCode::WorkerLost, "Killed twice.");
            return std::nullopt;
        }});
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(stateOf(store, bad), JobState::Failed);
        QCOMPARE(store.find(bad)->error->message(), std::string("Memory ran out."));
        QCOMPARE(store.find(bad)->error->advice(), std::string("Less."));
        QCOMPARE(stateOf(store, lost), JobState::SetAside);
        QVERIFY(store.find(lost)->error->code() == ErrorCode::WorkerLost);
        QCOMPARE(stateOf(store, good), JobState::Finished);
        QCOMPARE(engine.begun().size(), size_t{3}); // neither was tried again by itself
    }

    void withoutAnyWorkerItEndsAndNothingIsSetAside() {
        const QueueSample sample;
        QueueStore store = sample.open();
        sample.add(store, "a");
        sample.add(store, "b");
        ScriptedEngine engine(
            {.fails = [](const std::string&,
                         int) { return std::optional(Error(ErrorCode::WorkerLost, "None.")); },
             .workersAreOff = true});
        const Result<void> ended = runAll(sample, engine);
        QCOMPARE(codeOf(ended), ErrorCode::WorkerLost);
        QCOMPARE(store.status()->waiting, int64_t{2});
        QCOMPARE(engine.begun().size(), size_t{1});
    }

    void aBusyMachineIsTriedAgain() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a");
        ScriptedEngine engine({.fails = [](const std::string&, int time) {
            return time < 4 ? std::optional(Error(ErrorCode::Busy, "Memory is taken."))
                            : std::nullopt;
        }});
        const auto began = std::chrono::steady_clock::now();
        QVERIFY(runAll(sample, engine).ok());
        QVERIFY(std::chrono::steady_clock::now() - began > 130ms); // 20 + 40 + 80
        QCOMPARE(stateOf(store, id), JobState::Finished);
        QCOMPARE(store.attempts(id)->size(), size_t{4});
        QCOMPARE(store.attempts(id)->front().outcome, std::string("interrupted"));
    }

    void othersPauseResumeAndCancelWhatRuns() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId a = sample.add(store, "a"), b = sample.add(store, "b");
        ScriptedEngine engine({.capacity = 2, .holds = true});
        Dispatcher::Options options = quick();
        options.whenEmpty = Dispatcher::WhenEmpty::Wait;
        Worker worker(sample, engine, options);
        QVERIFY(becomes([&] { return engine.begun().size() == 2; }));
        QVERIFY(store.apply(JobAction::Pause, std::array{a}).ok());
        QVERIFY(store.apply(JobAction::Cancel, std::array{b}).ok());
        QVERIFY(becomes([&] {
            return stateOf(store, a) == JobState::Paused &&
                   stateOf(store, b) == JobState::Cancelled;
        }));
        QCOMPARE(filesIn(sample.data() / "queue" / "checkpoints"), 1); // the paused one's
        QVERIFY(store.apply(JobAction::Resume, std::array{a}).ok());
        QVERIFY(becomes([&] { return engine.begun().size() == 3; }));
        engine.release();
        QVERIFY(becomes([&] { return stateOf(store, a) == JobState::Finished; }));
        QVERIFY(worker.stop().ok());
        QCOMPARE(filesIn(sample.pictures()), 1);
    }

    void theQueueIsPausedAsAWhole() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId a = sample.add(store, "a");
        sample.add(store, "b");
        ScriptedEngine engine({.holds = true});
        Worker worker(sample, engine);
        QVERIFY(becomes([&] { return engine.begun().size() == 1; }));
        QVERIFY(store.pauseQueue(QueuePause::Now).ok());
        QVERIFY(becomes([&] { return stateOf(store, a) == JobState::Waiting; }));
        QCOMPARE(store.attempts(a)->front().why, std::string("the queue was paused"));
        engine.release();
        std::this_thread::sleep_for(100ms);
        QCOMPARE(engine.begun().size(), size_t{1});
        QVERIFY(store.pauseQueue(QueuePause::No).ok());
        QVERIFY(worker.join().ok());
        QCOMPARE(store.status()->finished, int64_t{2});
    }

    void theQueueWaitsWhileTheMachineRunsOnItsBattery() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId job = sample.add(store, "a");
        const fs::path battery = sample.data() / "sys/class/power_supply/BAT0";
        fs::create_directories(battery);
        const auto setStatus = [&](const char* status) { // at once: it is read at any time
            std::ofstream(battery / "new") << status << '\n';
            fs::rename(battery / "new", battery / "status");
        };
        std::ofstream(battery / "type") << "Battery\n";
        setStatus("Full");
        ScriptedEngine engine({.holds = true});
        Dispatcher::Options options = quick();
        options.power = {
            .pauseOnBattery = true, .lookSeconds = 0.02, .sysfs = sample.data() / "sys"};
        Worker worker(sample, engine, options);
        QVERIFY(becomes([&] { return engine.begun().size() == 1; }));
        setStatus("Discharging");
        QVERIFY(becomes([&] { return stateOf(store, job) == JobState::Waiting; }));
        QCOMPARE(store.attempts(job)->front().why, std::string("the machine runs on its battery"));
        QVERIFY(becomes([&] { return store.status()->trouble.has_value(); }));
        engine.release();
        std::this_thread::sleep_for(100ms);
        QCOMPARE(engine.begun().size(), size_t{1});
        setStatus("Charging");
        QVERIFY(worker.join().ok());
        QCOMPARE(stateOf(store, job), JobState::Finished);
        QVERIFY(!store.status()->trouble);
    }

    void whatPowerHasToBeCanChangeWhileItWorks() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId job = sample.add(store, "a");
        const fs::path battery = sample.data() / "sys/class/power_supply/BAT0";
        fs::create_directories(battery);
        std::ofstream(battery / "type") << "Battery\n";
        std::ofstream(battery / "status") << "Discharging\n";
        ScriptedEngine engine({.holds = true});
        auto opened = Dispatcher::open(sample.data(), engine, quick());
        QVERIFY(opened.ok());
        Result<void> result;
        std::jthread thread([&] { result = (*opened)->run(); });
        QVERIFY(becomes([&] { return engine.begun().size() == 1; }));
        const fs::path sys = sample.data() / "sys";
        (*opened)->setPower({.pauseOnBattery = true, .lookSeconds = 0.02, .sysfs = sys});
        QVERIFY(becomes([&] { return stateOf(store, job) == JobState::Waiting; }));
        engine.release();
        (*opened)->setPower({.sysfs = sys});
        thread.join();
        QVERIFY(result.ok());
        QCOMPARE(stateOf(store, job), JobState::Finished);
    }

    void toldToLeaveAfterItsPicturesTheRestWaits() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a", 5);
        sample.add(store, "b");
        ScriptedEngine engine({.holds = true});
        Worker worker(sample, engine);
        QVERIFY(becomes([&] { return engine.begun().size() == 1; }));
        QVERIFY(becomes([&] { return store.find(id)->progress.has_value(); }));
        std::jthread releaser([&] {
            std::this_thread::sleep_for(100ms); // after the stop below
            engine.release();
        });
        QVERIFY(worker.stop(DispatcherStop::AfterPictures).ok());
        QCOMPARE(filesIn(sample.pictures()), 1);
        QCOMPARE(stateOf(store, id), JobState::Waiting);
        QCOMPARE(store.find(id)->picturesDone, int64_t{1});
        QCOMPARE(engine.begun(), (std::vector<std::string>{"a"}));
    }

    void aQueuePausedAfterThisKeepsTheRestOfTheJob() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a", 3);
        ScriptedEngine engine({.holds = true});
        Worker worker(sample, engine);
        QVERIFY(becomes([&] { return store.find(id)->progress.has_value(); }));
        QVERIFY(store.pauseQueue(QueuePause::AfterThis).ok());
        std::this_thread::sleep_for(100ms); // it is told
        engine.release();
        QVERIFY(becomes([&] { return stateOf(store, id) == JobState::Waiting; }));
        QCOMPARE(filesIn(sample.pictures()), 1);
        QCOMPARE(store.attempts(id)->front().why, std::string("the queue was paused"));
        QVERIFY(store.pauseQueue(QueuePause::No).ok());
        QVERIFY(worker.join().ok());
        QCOMPARE(filesIn(sample.pictures()), 3);
    }

    void previewsAreMadeForWhoeverListens() {
        const QueueSample sample;
        QueueStore store = sample.open();
        sample.add(store, "a");
        ScriptedEngine engine({});
        Dispatcher::Options options = quick();
        options.previewEvery = 3;
        QVERIFY(runAll(sample, engine, options).ok());
        QCOMPARE(engine.requests().front().previewEvery, int64_t{3});
        sample.add(store, "b");
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(engine.requests().back().previewEvery, int64_t{0});
    }

    void pausedAfterThisOneTheJobKeepsItsPictures() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a", 5);
        ScriptedEngine engine({.holds = true});
        {
            Worker worker(sample, engine);
            QVERIFY(becomes([&] { return engine.begun().size() == 1; }));
            QVERIFY(store.pauseAfterThis(std::array{id}).ok());
            std::this_thread::sleep_for(100ms); // noticed
            engine.release();
            QVERIFY(worker.join().ok());
        }
        QCOMPARE(stateOf(store, id), JobState::Paused);
        QCOMPARE(store.find(id)->picturesDone, int64_t{1});
        QVERIFY(store.apply(JobAction::Resume, std::array{id}).ok());
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(filesIn(sample.pictures()), 5);
        // The rest was asked for, and not what is there.
        QCOMPARE(engine.requests().back().count, int64_t{4});
        QCOMPARE(*engine.requests().back().seed, *sample.job("a").request.seed + 1);
        for (const QueueItem& item : itemsOf(store, id))
            QCOMPARE(item.pixelHash,
                     pixelHash(pictureOf(*sample.job("a").request.seed + item.picture)));
    }

    void stoppedItLeavesAndGoesOnNextTime() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a", 2);
        ScriptedEngine held({.holds = true});
        {
            Worker worker(sample, held);
            QVERIFY(becomes([&] { return held.begun().size() == 1; }));
            QVERIFY(worker.stop().ok());
        }
        QCOMPARE(stateOf(store, id), JobState::Waiting);
        QCOMPARE(store.attempts(id)->front().why, std::string("the studio was closed"));
        QCOMPARE(filesIn(sample.data() / "queue" / "checkpoints"), 1);
        ScriptedEngine engine({});
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(stateOf(store, id), JobState::Finished);
        QCOMPARE(filesIn(sample.pictures()), 2);
    }

    // The engine handed it out, and the process was killed before it was written.
    void aPictureThatTheCheckpointCountsAndNobodyWroteIsMadeAgain() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a", 3);
        std::ofstream(sample.data() / "queue" / "checkpoints" /
                      (checkpointName(id, store.find(id)->revision) + ".checkpoint"))
            << "0 2";
        ScriptedEngine engine({.goesOn = true});
        Dispatcher::Options options = quick();
        options.busySeconds = 3600; // it is begun again without waiting
        QVERIFY(runAll(sample, engine, options).ok());
        QCOMPARE(stateOf(store, id), JobState::Finished);
        QCOMPARE(filesIn(sample.pictures()), 3);
        QCOMPARE(store.attempts(id)->size(), size_t{2});
        for (const QueueItem& item : itemsOf(store, id))
            QCOMPARE(item.pixelHash,
                     pixelHash(pictureOf(*sample.job("a").request.seed + item.picture)));
    }

    void afterRunningItEndsWithoutBeginningMore() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId a = sample.add(store, "a"), b = sample.add(store, "b");
        ScriptedEngine engine({.holds = true});
        {
            Dispatcher::Options options = quick();
            Worker worker(sample, engine, options);
            QVERIFY(becomes([&] { return engine.begun().size() == 1; }));
            std::jthread later([&] {
                std::this_thread::sleep_for(100ms);
                engine.release();
            });
            QVERIFY(worker.stop(DispatcherStop::AfterRunning).ok());
        }
        QCOMPARE(stateOf(store, a), JobState::Finished);
        QCOMPARE(stateOf(store, b), JobState::Waiting);
    }

    // As a process leaves it that was killed: the job runs, for nobody.
    void whatAKilledOwnerLeftGoesOn_data() {
        QTest::addColumn<int>("wish");
        QTest::addColumn<int>("state");
        QTest::newRow("nothing") << int(Wish::None) << int(JobState::Finished);
        QTest::newRow("paused") << int(Wish::Pause) << int(JobState::Paused);
        QTest::newRow("cancelled") << int(Wish::Cancel) << int(JobState::Cancelled);
    }
    void whatAKilledOwnerLeftGoesOn() {
        QFETCH(int, wish);
        QFETCH(int, state);
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a");
        QueueLedger(store.database()).take(id);
        if (Wish(wish) != Wish::None)
            QVERIFY(store
                        .apply(Wish(wish) == Wish::Pause ? JobAction::Pause : JobAction::Cancel,
                               std::array{id})
                        .ok());
        std::ofstream(sample.data() / "queue" / "checkpoints" / "77-0.checkpoint") << "stale";
        ScriptedEngine engine({});
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(int(stateOf(store, id)), state);
        QCOMPARE(store.attempts(id)->front().why, std::string("the studio ended without warning"));
        QCOMPARE(filesIn(sample.data() / "queue" / "checkpoints"), 0);
    }

    // Four others add, pause, resume and cancel meanwhile, as fast as they can.
    void otherProcessesChangeItWhileItIsWorkedThrough() {
        constexpr int kProcesses = 4, kJobs = 30;
        const QueueSample sample;
        sample.open();
        std::vector<pid_t> children;
        for (int process = 0; process < kProcesses; ++process) {
            const pid_t child = ::fork();
            if (child != 0) {
                children.push_back(child);
                continue;
            }
            bool good = true;
            QueueStore store = sample.open();
            for (int i = 0; i < kJobs && good; ++i) {
                const NewJob job =
                    sample.job("job " + std::to_string(process) + " " + std::to_string(i));
                auto id = store.add(job);
                // A slow machine may keep it waiting for longer than SQLite tries.
                while (!id && id.error().code() == ErrorCode::Busy) id = store.add(job);
                good = id.ok();
                if (!good) std::fprintf(stderr, "add: %s\n", id.error().what());
                if (!good) break;
                // It may have run by then: an answer in words is good, too.
                for (const JobAction action : {JobAction::Pause, JobAction::Resume})
                    if (const auto done = store.apply(action, std::array{*id});
                        !done && done.error().code() != ErrorCode::InvalidArgument &&
                        done.error().code() != ErrorCode::Busy) {
                        std::fprintf(stderr, "apply: %s\n", done.error().what());
                        good = false;
                    }
                if (i % 5 == 0) (void)store.apply(JobAction::Cancel, std::array{*id});
            }
            ::_exit(good ? 0 : 1);
        }
        {
            ScriptedEngine engine({.capacity = 3});
            Dispatcher::Options options = quick();
            options.whenEmpty = Dispatcher::WhenEmpty::Wait;
            Worker worker(sample, engine, options);
            for (const pid_t child : children) {
                int status = 0;
                ::waitpid(child, &status, 0);
                QVERIFY(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            }
            QueueStore store = sample.open();
            const auto paused = store.jobsIn(std::array{JobState::Paused});
            QVERIFY(store.apply(JobAction::Resume, *paused).ok());
            QVERIFY(becomes([&] {
                const QueueStatus status = *store.status();
                return status.waiting + status.running + status.pausedJobs == 0;
            }));
            QVERIFY(worker.stop().ok());
        }
        QueueStore store = sample.open();
        const QueueStatus status = *store.status();
        QCOMPARE(status.jobs(), int64_t{kProcesses * kJobs});
        QCOMPARE(status.finished + status.cancelled, status.jobs());
        QVERIFY(filesIn(sample.pictures()) >= status.finished);
        Statement check(store.database(), "PRAGMA integrity_check");
        QVERIFY(check.next());
        QCOMPARE(check.text(0), std::string("ok"));
    }

    void twoCannotOwnIt() {
        const QueueSample sample;
        ScriptedEngine engine({});
        const auto first = Dispatcher::open(sample.data(), engine, quick());
        QVERIFY(first.ok());
        const auto second = Dispatcher::open(sample.data(), engine, quick());
        QCOMPARE(codeOf(second), ErrorCode::Busy);
    }

    void aJobThatCannotBeReadFailsAndTheOthersGoOn() {
        const QueueSample sample;
        QueueStore store = sample.open();
        sample.add(store, "bad");
        const QueueJobId good = sample.add(store, "good");
        store.database().execute("UPDATE jobs SET request = '[]' WHERE id = 1");
        ScriptedEngine engine({});
        int told = 0;
        Dispatcher::Options options = quick();
        options.listener = [&](const QueueEvent& event) {
            if (const auto* changed = std::get_if<JobChangedEvent>(&event))
                if (changed->job.id == 1 && changed->job.state == JobState::Failed)
                    told += changed->job.error ? 1 : 0;
        };
        QVERIFY(runAll(sample, engine, options).ok());
        QCOMPARE(stateOf(store, good), JobState::Finished);
        QCOMPARE(store.status()->failed, int64_t{1});
        QCOMPARE(told, 1);
    }

    void aPictureThatCannotBeWrittenFailsItsJob() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const auto file = sample.folder.write("file", "");
        NewJob job = sample.job("a");
        job.paths = {file / "a.png"};
        const QueueJobId id = sample.add(store, job), good = sample.add(store, "good");
        ScriptedEngine engine({});
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(stateOf(store, id), JobState::Failed);
        QVERIFY(store.find(id)->error->code() == ErrorCode::Io);
        QCOMPARE(stateOf(store, good), JobState::Finished);
    }

    // The limit on the size of files stands for the disk: the picture is larger than it.
    void aFullDiskIsWaitedFor() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a", 2), b = sample.add(store, "b");
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        getrlimit(RLIMIT_FSIZE, &before);
        ScriptedEngine engine({.holds = true});
        std::atomic<int> troubles = 0, goesOn = 0;
        Dispatcher::Options options = quick();
        options.listener = [&](const QueueEvent& event) {
            if (const auto* told = std::get_if<QueueTroubleEvent>(&event))
                ++(told->trouble ? troubles : goesOn);
        };
        Worker worker(sample, engine, options);
        QVERIFY(becomes([&] { return engine.begun().size() == 1; }));
        const rlimit small{64, before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        engine.release();
        const bool told = becomes([&] { return troubles == 1; });
        std::this_thread::sleep_for(200ms); // it tries again, and says nothing more
        const size_t begun = engine.begun().size();
        setrlimit(RLIMIT_FSIZE, &before);
        const Result<void> ended = worker.join();
        QVERIFY2(ended.ok(), ended ? "" : ended.error().what());
        QVERIFY(told);
        QCOMPARE(begun, size_t{1});
        QCOMPARE(troubles.load(), 1);
        QCOMPARE(goesOn.load(), 1);
        QCOMPARE(stateOf(store, id), JobState::Finished);
        QCOMPARE(stateOf(store, b), JobState::Finished);
        QCOMPARE(filesIn(sample.pictures()), 3);
        QVERIFY(!store.status()->trouble);
    }

    // The queue's own file stays below the limit, the picture does not.
    void aJobWhosePicturesFindNoRoomCanBeCancelled() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a");
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        getrlimit(RLIMIT_FSIZE, &before);
        const rlimit small{2u << 20, before.rlim_max};
        ScriptedEngine engine({.side = 1024});
        Dispatcher::Options options = quick();
        options.roomEvery = 1h; // the cancelling alone ends the waiting
        std::atomic<int> troubles = 0, goesOn = 0;
        options.listener = [&](const QueueEvent& event) {
            if (const auto* told = std::get_if<QueueTroubleEvent>(&event))
                ++(told->trouble ? troubles : goesOn);
        };
        setrlimit(RLIMIT_FSIZE, &small);
        bool told = false, cancelled = false, over = false;
        {
            Worker worker(sample, engine, options);
            told = becomes([&] { return troubles == 1; });
            const auto asked = store.apply(JobAction::Cancel, std::array{id});
            cancelled = asked && becomes([&] { return stateOf(store, id) == JobState::Cancelled; });
            over = becomes([&] { return goesOn == 1; });
        }
        setrlimit(RLIMIT_FSIZE, &before);
        QVERIFY(told);
        QVERIFY(cancelled);
        QVERIFY(over);
        QVERIFY(!store.status()->trouble);
        QCOMPARE(filesIn(sample.pictures()), 0);
    }

    void anEngineWithoutRoomIsWaitedFor() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a");
        ScriptedEngine engine({.fails = [](const std::string&, int time) {
            return time < 3 ? std::optional(Error(ErrorCode::DiskFull, "No room.")) : std::nullopt;
        }});
        QVERIFY(runAll(sample, engine).ok());
        QCOMPARE(stateOf(store, id), JobState::Finished);
        QCOMPARE(store.attempts(id)->size(), size_t{3});
    }

    // Nothing to do, and nothing done: a look now and then.
    void waitingItUsesNoTime() {
        const QueueSample sample;
        ScriptedEngine engine({});
        Dispatcher::Options options;
        options.whenEmpty = Dispatcher::WhenEmpty::Wait;
        Worker worker(sample, engine, options);
        std::this_thread::sleep_for(200ms);
        rusage before{}, now{};
        getrusage(RUSAGE_SELF, &before);
        std::this_thread::sleep_for(2s);
        getrusage(RUSAGE_SELF, &now);
        const auto seconds = [](const rusage& usage) {
            return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
        };
        qInfo("in 2 s: %.1f ms of a processor, %ld wake-ups",
              1e3 * (seconds(now) - seconds(before)), now.ru_nvcsw - before.ru_nvcsw);
        QVERIFY(seconds(now) - seconds(before) < 0.05);
#ifndef __SANITIZE_THREAD__ // it has a thread of its own, which wakes up more often
        QVERIFY(now.ru_nvcsw - before.ru_nvcsw < 20);
#endif
    }
};

QTEST_GUILESS_MAIN(DispatcherTest)
#include "dispatcher_test.moc"
