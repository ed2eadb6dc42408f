// The window's view of the durable queue, without widgets: a real queue in a folder of its own, an
// engine that does what a script says.

#include "app/models/job_controller.h"
#include "app/models/window_job.h"
#include "tests/app/gui/scripted_engine.h"
#include "tests/app/gui/watchdog.h"

#include <QDir>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <array>
#include <fstream>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;
using testing::Script;
using testing::ScriptedEngine;

pipelines::ImageRequest requestFor(const std::string& prompt, int64_t count = 1) {
    pipelines::ImageRequest request;
    request.prompt = prompt;
    request.width = request.height = 32;
    request.steps = 6;
    request.count = count;
    request.seed = 10;
    return request;
}

Script holding(int step) {
    Script script;
    script.holdAtStep = step;
    return script;
}

struct Desk {
    QTemporaryDir folder;
    core::ModelLibrary library{{{}, folder.path().toStdString()}};

    fs::path data() const { return fs::path(folder.path().toStdString()) / "data"; }
    fs::path pictures() const { return fs::path(folder.path().toStdString()) / "pictures"; }
    QStringList files() const {
        return QDir(QString::fromStdString(pictures().string())).entryList(QDir::Files, QDir::Name);
    }
    JobController::Parts parts(core::Engine& engine) const {
        return {engine, library, data(), pictures()};
    }
    core::QueueStore store() const {
        Result<core::QueueStore> opened = core::QueueStore::open(data());
        if (!opened) throw opened.error();
        return *std::move(opened);
    }
    core::NewJob job(const std::string& prompt) const {
        core::NewJob job;
        job.request = requestFor(prompt);
        job.paths = {pictures() / (prompt + ".png")};
        return job;
    }
    // As another program would.
    core::QueueJobId add(const std::string& prompt) const {
        core::QueueStore queue = store();
        const Result<core::QueueJobId> id = queue.add(job(prompt));
        if (!id) throw id.error();
        return *id;
    }
};

QStringList prompts(const JobController& jobs) {
    QStringList list;
    for (const Job& job : jobs.jobs()) list << QString::fromStdString(job.request.prompt);
    return list;
}

const Job* named(const JobController& jobs, const std::string& prompt) {
    for (const Job& job : jobs.jobs())
        if (job.request.prompt == prompt) return &job;
    return nullptr;
}

core::QueueJob queued(core::QueueJobId id, core::JobState state) {
    core::QueueJob job;
    job.id = id;
    job.state = state;
    job.request = requestFor("x");
    job.pictures = 1;
    return job;
}

QueueView viewOf(std::vector<core::QueueJob> jobs) {
    QueueView view;
    view.jobs = std::move(jobs);
    return view;
}

} // namespace

class QueueViewTest : public QObject {
    Q_OBJECT

  private slots:
    void aJobGoesThroughItsStatesAndItsPicturesAreOnTheDisk() {
        Desk desk;
        ScriptedEngine engine;
        JobController jobs(desk.parts(engine));
        QSignalSpy begun(&jobs, &JobController::pictureBegun);
        QSignalSpy previews(&jobs, &JobController::previewReady);
        QSignalSpy ended(&jobs, &JobController::jobEnded);
        QStringList made;
        connect(&jobs, &JobController::pictureReady, &jobs,
                [&](qint64, qint64, const ResultPicture& result) {
                    QVERIFY(fs::exists(result.path));
                    QCOMPARE(result.image.size(), QSize(32, 32));
                    made << QString::fromStdString(result.path.filename().string());
                });
        jobs.submit(requestFor("x", 2));
        QVERIFY(jobs.busy());
        QTRY_COMPARE(ended.count(), 1);
        QCOMPARE(begun.count(), 2);
        QCOMPARE(previews.count(), 12);
        QCOMPARE(made.size(), 2);
        QVERIFY(jobs.jobs().empty()); // what is done leaves the list
        QTRY_VERIFY(!jobs.busy());
        QCOMPARE(desk.files(), made);
    }

    void whatIsShownIsOnTheDisk() {
        Desk desk;
        ScriptedEngine engine(holding(2));
        JobController jobs(desk.parts(engine));
        for (int i = 0; i < 3; ++i) jobs.submit(requestFor("x"));
        QTRY_COMPARE(jobs.jobs().size(), 3u);
        core::QueueStore queue = desk.store();
        for (const Job& job : jobs.jobs()) QVERIFY(queue.find(job.number).ok());
        QCOMPARE(jobs.waitingCount(), 2);
        QCOMPARE(jobs.runningCount(), 1);
    }

    void cancelIsSeenAtOnceAndItsLateEventsAreNot() {
        Desk desk;
        ScriptedEngine engine(holding(2));
        JobController jobs(desk.parts(engine));
        QSignalSpy pictures(&jobs, &JobController::pictureReady);
        jobs.submit(requestFor("x"));
        QTRY_VERIFY(jobs.active() != nullptr && jobs.active()->step == 2);
        const JobNumber number = jobs.active()->number;
        jobs.cancel(number);
        QVERIFY(!jobs.busy());
        core::QueueStore queue = desk.store();
        QTRY_COMPARE(queue.find(number)->state, core::JobState::Cancelled);
        QTest::qWait(300);
        QVERIFY(jobs.jobs().empty()); // no older news brings it back
        QCOMPARE(pictures.count(), 0);
    }

    void cancelledBeforeItIsOnTheDiskItNeverRuns() {
        Desk desk;
        ScriptedEngine engine;
        JobController jobs(desk.parts(engine));
        jobs.submit(requestFor("x"));
        QVERIFY(jobs.cancelFirst());
        QVERIFY(!jobs.busy());
        QVERIFY(!jobs.cancelFirst());
        QTest::qWait(300);
        QVERIFY(jobs.jobs().empty());
        QVERIFY(desk.files().isEmpty());
    }

    void stopAfterThisKeepsTheRestUntilItGoesOn() {
        Desk desk;
        ScriptedEngine engine(holding(2));
        JobController jobs(desk.parts(engine));
        jobs.submit(requestFor("several", 3));
        jobs.submit(requestFor("one"));
        QTRY_VERIFY(jobs.active() != nullptr && jobs.active()->step == 2);
        jobs.stopAfterThis();
        QVERIFY(jobs.isPaused());
        QVERIFY(jobs.isLast(*jobs.active()));
        QTest::qWait(300); // its owner is told
        engine.release();
        QTRY_VERIFY(jobs.active() == nullptr);
        QTRY_COMPARE(desk.files().size(), 1);
        QCOMPARE(jobs.jobs().size(), 2u);
        jobs.resumeQueue();
        QTRY_COMPARE(desk.files().size(), 4);
        QTRY_VERIFY(!jobs.busy());
    }

    void aPausedQueueInterruptsAndGoesOn() {
        Desk desk;
        ScriptedEngine engine(holding(2));
        JobController jobs(desk.parts(engine));
        QSignalSpy interrupted(&jobs, &JobController::jobInterrupted);
        jobs.submit(requestFor("x"));
        QTRY_VERIFY(jobs.active() != nullptr && jobs.active()->step == 2);
        jobs.pauseQueue();
        QTRY_COMPARE(interrupted.count(), 1);
        QTRY_VERIFY(jobs.active() == nullptr);
        QCOMPARE(jobs.jobs().front().state, JobState::Waiting);
        QVERIFY(!jobs.works());
        engine.release();
        QTest::qWait(100);
        QVERIFY(desk.files().isEmpty());
        jobs.resumeQueue();
        QTRY_COMPARE(desk.files().size(), 1);
    }

    void jobsAreMovedPausedAndTakenOff() {
        Desk desk;
        ScriptedEngine engine(holding(2));
        JobController jobs(desk.parts(engine));
        for (const char* prompt : {"a", "b", "c", "d"}) jobs.submit(requestFor(prompt));
        QTRY_COMPARE(prompts(jobs), QStringList({"a", "b", "c", "d"}));
        QTRY_VERIFY(jobs.active() != nullptr);
        jobs.runNext(named(jobs, "d")->number);
        QTRY_COMPARE(prompts(jobs), QStringList({"a", "d", "b", "c"}));
        jobs.moveToEnd(named(jobs, "b")->number);
        QTRY_COMPARE(prompts(jobs), QStringList({"a", "d", "c", "b"}));
        jobs.pause(named(jobs, "d")->number);
        QTRY_COMPARE(named(jobs, "d")->state, JobState::Paused);
        QCOMPARE(jobs.waitingCount(), 2);
        jobs.cancel(named(jobs, "c")->number);
        engine.release();
        QTRY_COMPARE(desk.files().size(), 2);
        QTRY_COMPARE(prompts(jobs), QStringList({"d"}));
        QVERIFY(!jobs.busy());
        jobs.resume(named(jobs, "d")->number);
        QTRY_COMPARE(desk.files().size(), 3);
    }

    void aFailedJobStaysWithItsReasonAndCanBeTriedAgainOrTakenOff() {
        Script script;
        std::atomic<bool> fails = true;
        script.fails = [&fails](const std::string&) { return fails.load(); };
        Desk desk;
        ScriptedEngine engine(script);
        JobController jobs(desk.parts(engine));
        jobs.submit(requestFor("x"));
        jobs.submit(requestFor("y"));
        QTRY_VERIFY(jobs.jobs().size() == 2 && jobs.jobs()[1].state == JobState::Failed);
        QVERIFY(!jobs.busy());
        QCOMPARE(jobs.jobs().front().advice, "Make the picture smaller.");
        QTest::qWait(300);
        QCOMPARE(jobs.jobs().size(), 2u);
        fails = false;
        jobs.retry(named(jobs, "x")->number);
        QTRY_COMPARE(desk.files().size(), 1);
        QTRY_COMPARE(prompts(jobs), QStringList({"y"}));
        const JobNumber other = jobs.jobs().front().number;
        jobs.remove(other);
        QVERIFY(jobs.jobs().empty());
        core::QueueStore queue = desk.store();
        QTRY_VERIFY(!queue.find(other).ok());
    }

    void jobsOfOtherProgramsAppearAndRun() {
        Desk desk;
        ScriptedEngine engine(holding(2));
        JobController jobs(desk.parts(engine));
        QTRY_COMPARE(jobs.place().standing, QueueStanding::Works);
        desk.add("from a terminal");
        QTRY_COMPARE(prompts(jobs), QStringList({"from a terminal"}));
        QTRY_VERIFY(jobs.active() != nullptr);
        engine.release();
        QTRY_COMPARE(desk.files(), QStringList({"from a terminal.png"}));
        QTRY_VERIFY(jobs.jobs().empty());
    }

    void whatAnEarlierStartLeftGoesOnAndIsSaid() {
        Desk desk;
        for (const char* prompt : {"a", "b"}) desk.add(prompt);
        ScriptedEngine engine(holding(3));
        JobController jobs(desk.parts(engine));
        QSignalSpy goesOn(&jobs, &JobController::jobsGoOn);
        QTRY_COMPARE(goesOn.count(), 1);
        QCOMPARE(goesOn.front().front().toInt(), 2);
        engine.release();
        QTRY_COMPARE(desk.files().size(), 2);
        QCOMPARE(goesOn.count(), 1);
    }

    void theControllerMayGoWhileItsJobRunsAndTheNextFinishesIt() {
        Desk desk;
        {
            Script script;
            script.step = std::chrono::milliseconds(2);
            ScriptedEngine engine(script);
            for (int round = 0; round < 12; ++round) {
                JobController jobs(desk.parts(engine));
                jobs.submit(requestFor("x" + std::to_string(round)));
                QTest::qWait(5 * (round % 5));
            }
        }
        ScriptedEngine engine;
        JobController jobs(desk.parts(engine));
        QTRY_COMPARE(desk.files().size(), 12); // what was asked for was written before it went
        QTRY_VERIFY(!jobs.busy());
        QCOMPARE(desk.files().size(), 12);
    }

    void aSecondOneWatchesAddsCancelsAndTakesOver() {
        Desk desk;
        ScriptedEngine engine(holding(2)), idle;
        auto owner = std::make_unique<JobController>(desk.parts(engine));
        QTRY_COMPARE(owner->place().standing, QueueStanding::Works);
        JobController second(desk.parts(idle));
        QTRY_COMPARE(second.place().standing, QueueStanding::Watches);
        QVERIFY(!second.works());
        owner->submit(requestFor("a"));
        owner->submit(requestFor("b"));
        QTRY_COMPARE(prompts(second), QStringList({"a", "b"}));
        QTRY_VERIFY(second.active() != nullptr);
        QCOMPARE(second.ownerProcess(), static_cast<int>(QCoreApplication::applicationPid()));
        second.submit(requestFor("c"));
        QTRY_COMPARE(prompts(*owner), QStringList({"a", "b", "c"}));
        second.cancel(named(second, "b")->number);
        QTRY_COMPARE(prompts(*owner), QStringList({"a", "c"}));
        QSignalSpy others(&second, &JobController::othersMadePictures);
        engine.release();
        QTRY_COMPARE(desk.files().size(), 2);
        QTRY_VERIFY(others.count() > 0);
        owner->pauseQueue();
        QTRY_VERIFY(second.isPaused());
        second.submit(requestFor("d"));
        QTRY_COMPARE(prompts(*owner), QStringList({"d"}));
        owner.reset();
        QTRY_COMPARE(second.place().standing, QueueStanding::Works);
        second.resumeQueue();
        QTRY_COMPARE(desk.files().size(), 3);
    }

    void theBatteryHoldsTheQueueUpAndIsSaid() {
        Desk desk;
        const fs::path battery = desk.data() / "sys/class/power_supply/BAT0";
        fs::create_directories(battery);
        std::ofstream(battery / "type") << "Battery\n";
        std::ofstream(battery / "status") << "Discharging\n";
        ScriptedEngine engine;
        JobController::Parts parts = desk.parts(engine);
        parts.power = {.pauseOnBattery = true, .lookSeconds = 0.05, .sysfs = desk.data() / "sys"};
        JobController jobs(parts);
        jobs.submit(requestFor("x"));
        QTRY_VERIFY2(jobs.trouble().contains("battery"), qPrintable(jobs.trouble()));
        QVERIFY(desk.files().isEmpty());
        jobs.setPower({.sysfs = desk.data() / "sys"});
        QTRY_COMPARE(desk.files().size(), 1);
        QTRY_VERIFY(jobs.trouble().isEmpty());
    }

    void aQueueThatCannotBeReadIsSaidAndTriedAgain() {
        Desk desk;
        fs::create_directories(desk.data() / "queue");
        std::ofstream(desk.data() / "queue/queue.db") << std::string(5000, 'x');
        ScriptedEngine engine;
        JobController jobs(desk.parts(engine));
        QTRY_COMPARE(jobs.place().standing, QueueStanding::StandsStill);
        QVERIFY(jobs.place().error->code() == ErrorCode::BadFile);
        QSignalSpy problems(&jobs, &JobController::problem);
        jobs.submit(requestFor("x"));
        QTRY_COMPARE(problems.count(), 1);
        QVERIFY(!jobs.busy());
        fs::remove(desk.data() / "queue/queue.db");
        jobs.tryAgain();
        QTRY_COMPARE(jobs.place().standing, QueueStanding::Works);
        jobs.submit(requestFor("x"));
        QTRY_COMPARE(desk.files().size(), 1);
    }

    void tenThousandJobsLeaveTheLoopAwake() {
        Desk desk;
        std::vector<core::NewJob> many;
        for (int i = 0; i < 10'000; ++i) many.push_back(desk.job("fox " + std::to_string(i)));
        {
            core::QueueStore queue = desk.store();
            QVERIFY(queue.pauseQueue(core::QueuePause::Now).ok());
            QVERIFY(queue.add(many).ok());
        }
        testing::Watchdog watchdog;
        ScriptedEngine engine;
        JobController jobs(desk.parts(engine));
        QTRY_COMPARE(jobs.jobs().size(), static_cast<size_t>(QueueDesk::kMostRows));
        QCOMPARE(jobs.waitingCount(), 10'000);
        jobs.runNext(jobs.jobs().back().number);
        QTRY_COMPARE(jobs.jobs().front().request.prompt, std::string("fox 39"));
        jobs.cancelAll();
        QTRY_VERIFY_WITH_TIMEOUT(!jobs.busy(), 30000);
        QVERIFY(watchdog.answers() > 5);
        QVERIFY2(watchdog.longestComputed() < 50,
                 qPrintable(QString::number(watchdog.longestComputed())));
    }

    void namesAreThoseThatNobodyWasPromised() {
        Desk desk;
        core::QueueStore queue = desk.store();
        pipelines::ImageRequest request = requestFor("a fox", 2);
        request.seed.reset();
        request.initPath = "init.png";
        for (int i = 0; i < 2; ++i) {
            const auto job = windowJob(request, desk.library, desk.pictures(), queue);
            QVERIFY2(job.ok(), job ? "" : job.error().what());
            QVERIFY(job->request.seed.has_value());
            QVERIFY(fs::path(job->request.initPath).is_absolute());
            QCOMPARE(job->paths.size(), 2u);
            QVERIFY(queue.add(*job).ok());
        }
        const auto promised = queue.promisedPaths();
        const std::set<std::string> different(promised->begin(), promised->end());
        QCOMPARE(different.size(), 4u);
        std::ofstream(desk.folder.path().toStdString() + "/file") << "x";
        const auto wrong =
            windowJob(request, desk.library, desk.folder.path().toStdString() + "/file", queue);
        QVERIFY(!wrong.ok());
        QVERIFY2(wrong.error().advice().find("--") == std::string::npos, wrong.error().what());
    }

    void oldNewsDoNotBringBackWhatHasEnded() {
        JobList list;
        using enum core::JobState;
        list.merge(viewOf({queued(1, Waiting), queued(2, Waiting)}));
        QVERIFY(list.take(queued(1, Running)) == JobList::Became::Begun);
        list.merge(viewOf({queued(1, Waiting), queued(2, Waiting)})); // read before it began
        QVERIFY(list.find(1)->active());
        QVERIFY(list.take(queued(1, Finished)) == JobList::Became::Ended);
        list.merge(viewOf({queued(1, Running), queued(2, Waiting)}));
        QVERIFY(list.find(1) == nullptr || list.find(1)->state == JobState::Finished);
        list.merge(viewOf({queued(2, Waiting)}));
        QVERIFY(list.find(1) == nullptr);
        core::QueueJob again = queued(1, Waiting); // somebody tries it again
        again.revision = 1;
        list.merge(viewOf({again, queued(2, Waiting)}));
        QCOMPARE(list.find(1)->state, JobState::Waiting);
    }

    void oldNewsDoNotMendWhatHasFailed() {
        JobList list;
        using enum core::JobState;
        (void)list.take(queued(1, Running));
        core::QueueJob failed = queued(1, Failed);
        failed.error = Error(ErrorCode::Io, "The disk broke.");
        QVERIFY(list.take(failed) == JobList::Became::Ended);
        list.merge(viewOf({queued(1, Running)}));
        QCOMPARE(list.find(1)->state, JobState::Failed);
        QCOMPARE(list.find(1)->message, "The disk broke.");
        core::QueueJob again = queued(1, Waiting);
        again.revision = 1;
        list.merge(viewOf({again}));
        QCOMPARE(list.find(1)->state, JobState::Waiting);
    }

    void whatAnotherProcessComputesIsKnownByItsProgress() {
        JobList list;
        core::QueueJob running = queued(1, core::JobState::Running);
        running.request.count = running.pictures = 4;
        running.picturesDone = 1;
        running.progress = core::JobProgress{1, 5, 10, 30};
        running.secondsLeft = 30;
        list.merge(viewOf({running}));
        QCOMPARE(list.find(1)->state, JobState::Running);
        QCOMPARE(list.find(1)->fraction(), 0.375);
        QCOMPARE(list.find(1)->secondsLeft, 30.0);
        const std::vector<Job> gone = list.merge(viewOf({}));
        QCOMPARE(gone.size(), 1u);
    }
};

} // namespace kinora::app

QTEST_GUILESS_MAIN(kinora::app::QueueViewTest)
#include "queue_view_test.moc"
