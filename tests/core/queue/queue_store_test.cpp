#include "core/queue/queue_ledger.h"
#include "core/queue/queue_store.h"
#include "tests/core/queue/queue_samples.h"

#include <QElapsedTimer>

#include <algorithm>
#include <fstream>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::testing;

class QueueStoreTest : public QObject {
    Q_OBJECT

  private slots:
    void aJobComesBackAsItWasAdded() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId first = sample.add(store, "first");
        NewJob job = sample.job("ein F\xc3\xbc"
                                "chschen 100%_",
                                3);
        job.request.width = 256;
        job.request.cfg = 7.5;
        job.request.seed = (int64_t{1} << 53) + 1;
        job.output = {ImageFormat::Webp, Overwrite::Yes, false};
        job.project = "winter";
        job.priority = 4;
        job.needs = {first};
        job.paused = true;
        const QueueJobId id = sample.add(store, job);
        const auto found = store.find(id);
        QVERIFY(found.ok());
        QCOMPARE(found->state, JobState::Paused);
        QCOMPARE(found->title, job.request.prompt);
        QVERIFY(found->request.width == 256 && found->request.cfg == 7.5);
        QCOMPARE(*found->request.seed, *job.request.seed);
        QVERIFY(found->output.format == ImageFormat::Webp &&
                found->output.overwrite == Overwrite::Yes && !found->output.metadata);
        QCOMPARE(found->project, job.project);
        QCOMPARE(found->priority, int64_t{4});
        QCOMPARE(found->needs, std::vector<QueueJobId>{first});
        const auto items = store.items(id);
        QVERIFY(items.ok());
        QCOMPARE(items->size(), size_t{3});
        for (size_t i = 0; i < 3; ++i) QVERIFY((*items)[i].path == job.paths[i]);
        QCOMPARE(store.promisedPaths()->size(), size_t{4});
    }

    void whatCannotBeAJobIsRefusedWhole() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const NewJob good = sample.job("good");
        std::vector<NewJob> bad(6, sample.job("bad", 2));
        bad[0].paths.pop_back();
        bad[1].paths[0] = "relative.png";
        bad[2].request.seed.reset();
        bad[3].needs = {99};
        bad[4].priority = 101;
        bad[5].request.saveLatentsPath = "/tmp/l.safetensors";
        for (const NewJob& job : bad) {
            const std::array both{good, job};
            QVERIFY(!store.add(both));
        }
        QCOMPARE(store.status()->jobs(), int64_t{0});
    }

    void isListedInTheOrderInWhichItRuns() {
        const QueueSample sample;
        QueueStore store = sample.open();
        for (const char* name : {"a", "b", "c", "d"}) sample.add(store, name);
        NewJob urgent = sample.job("urgent");
        urgent.priority = 1;
        sample.add(store, urgent);
        QCOMPARE(titles(store), (std::vector<std::string>{"urgent", "a", "b", "c", "d"}));
        QVERIFY(store.moveBefore(4, 1).ok()); // d before a
        QVERIFY(store.moveBefore(2, 0).ok()); // b to the end
        QCOMPARE(titles(store), (std::vector<std::string>{"urgent", "d", "a", "c", "b"}));
        for (int i = 0; i < 100; ++i) { // places never run out
            QVERIFY(store.moveBefore(3, 1).ok());
            QVERIFY(store.moveBefore(1, 3).ok());
        }
        QCOMPARE(titles(store), (std::vector<std::string>{"urgent", "d", "a", "c", "b"}));
        QVERIFY(store.setPriority(3, 50).ok());
        QCOMPARE(titles(store).front(), std::string("c"));
        QCOMPARE(codeOf(store.moveBefore(1, 77)), ErrorCode::NotFound);
    }

    void isFiltered() {
        const QueueSample sample;
        QueueStore store = sample.open();
        NewJob job = sample.job("A red fox");
        job.project = "winter";
        sample.add(store, job);
        sample.add(store, "a blue fox");
        const QueueJobId third = sample.add(store, "50% grey_hen");
        const std::array ids{third};
        QVERIFY(store.apply(JobAction::Pause, ids).ok());
        QCOMPARE(titles(store, {.text = "FOX"}).size(), size_t{2});
        QCOMPARE(titles(store, {.text = "%"}), std::vector<std::string>{"50% grey_hen"});
        QCOMPARE(titles(store, {.text = "y_h"}), std::vector<std::string>{"50% grey_hen"});
        QCOMPARE(titles(store, {.project = "winter"}), std::vector<std::string>{"A red fox"});
        QCOMPARE(titles(store, {.states = {JobState::Paused}}),
                 std::vector<std::string>{"50% grey_hen"});
        QCOMPARE(titles(store, {.first = 1, .count = 1}), std::vector<std::string>{"a blue fox"});
    }

    void actionsFollowTheTableAllOrNone() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId a = sample.add(store, "a"), b = sample.add(store, "b");
        const std::array both{a, b}, missing{a, QueueJobId{9}};
        const std::array first{a};
        QVERIFY(store.apply(JobAction::Pause, first).ok());
        QCOMPARE(codeOf(store.apply(JobAction::Pause, both)), ErrorCode::InvalidArgument);
        QCOMPARE(stateOf(store, b), JobState::Waiting); // not even the one that could
        QCOMPARE(codeOf(store.apply(JobAction::Resume, missing)), ErrorCode::NotFound);
        QCOMPARE(stateOf(store, a), JobState::Paused);
        QVERIFY(store.apply(JobAction::Resume, first).ok());
        QVERIFY(store.apply(JobAction::Cancel, both).ok());
        QVERIFY(store.apply(JobAction::Retry, first).ok());
        QCOMPARE(stateOf(store, a), JobState::Waiting);
        QVERIFY(!store.apply(JobAction::Finish, first)); // the owner's to say
    }

    void aJobThatIsCancelledWhileItWaitsKeepsNoCheckpoint() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const std::array waits{sample.add(store, "a")}, runs{sample.add(store, "b")};
        for (const QueueJobId id : {waits[0], runs[0]})
            std::ofstream(store.folder().checkpoint(id, 0)) << "state";
        QueueLedger ledger(store.database());
        QVERIFY(ledger.take(runs[0]).has_value());
        QVERIFY(store.apply(JobAction::Pause, waits).ok());
        QVERIFY(std::filesystem::exists(store.folder().checkpoint(waits[0], 0)));
        QVERIFY(store.apply(JobAction::Cancel, waits).ok());
        QVERIFY(store.apply(JobAction::Cancel, runs).ok());
        QVERIFY(!std::filesystem::exists(store.folder().checkpoint(waits[0], 0)));
        QVERIFY(std::filesystem::exists(store.folder().checkpoint(runs[0], 0))); // its owner's
    }

    // What a checkpoint belongs to is looked at when the job is taken, not before.
    void aJobIsTakenAsItIsThen() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const std::array id{sample.add(store, "a", 3)};
        QueueLedger ledger(store.database());
        QVERIFY(store.apply(JobAction::Cancel, id).ok());
        QVERIFY(store.apply(JobAction::Retry, id).ok());
        int64_t seen = -1;
        const auto ticket = ledger.take(id[0], [&](const QueueJob& job) {
            seen = job.revision;
            return true;
        });
        QVERIFY(ticket.has_value());
        QCOMPARE(seen, int64_t{1});
        QCOMPARE(ticket->job.revision, int64_t{1});
    }

    void aJobThatRunsIsAskedNotChanged() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const std::array id{sample.add(store, "a")};
        QueueLedger ledger(store.database());
        QVERIFY(ledger.take(id[0]).has_value());
        QVERIFY(store.pauseAfterThis(id).ok());
        QCOMPARE(ledger.wish(id[0]), Wish::PauseAfterThis);
        QVERIFY(store.apply(JobAction::Pause, id).ok());
        QCOMPARE(ledger.wish(id[0]), Wish::Pause);
        QVERIFY(store.apply(JobAction::Resume, id).ok());
        QCOMPARE(ledger.wish(id[0]), Wish::None);
        QVERIFY(store.apply(JobAction::Cancel, id).ok());
        QVERIFY(store.apply(JobAction::Resume, id).ok()); // too late
        QCOMPARE(ledger.wish(id[0]), Wish::Cancel);
        QCOMPARE(stateOf(store, id[0]), JobState::Running);
    }

    void filesThatItBeginsFromAreAbsolute() {
        const QueueSample sample;
        QueueStore store = sample.open();
        NewJob job = sample.job("a");
        job.request.initPath = "in.png";
        QCOMPARE(codeOf(store.add(job)), ErrorCode::InvalidArgument);
        job.request.initPath = "/somewhere/in.png";
        job.request.maskPath = "mask.png";
        QCOMPARE(codeOf(store.add(job)), ErrorCode::InvalidArgument);
        job.request.maskPath = "/somewhere/mask.png";
        QVERIFY(store.add(job).ok());
    }

    void isChangedBeforeItBegan() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a", 2);
        NewJob changed = sample.job("b", 3);
        QVERIFY(store.edit(id, changed).ok());
        QCOMPARE(store.find(id)->pictures, int64_t{3});
        QCOMPARE(store.items(id)->size(), size_t{3});
        QCOMPARE(store.find(id)->title, std::string("b"));
        QueueLedger ledger(store.database());
        const auto ticket = ledger.take(id);
        QCOMPARE(codeOf(store.edit(id, changed)), ErrorCode::InvalidArgument);
        QVERIFY(ledger.end(id, ticket->epoch, {.action = JobAction::Yield}));
        QCOMPARE(codeOf(store.edit(id, changed)), ErrorCode::InvalidArgument);
    }

    // It begins again, so it may be another; with pictures of what it was it stays.
    void isChangedBeforeItIsTriedAgain() {
        const QueueSample sample;
        QueueStore store = sample.open();
        QueueLedger ledger(store.database());
        for (const JobAction how : {JobAction::Fail, JobAction::SetAside, JobAction::Cancel}) {
            const QueueJobId id = sample.add(store, "a", 2);
            const auto ticket = ledger.take(id);
            QVERIFY(ledger.end(id, ticket->epoch, {.action = how}));
            QCOMPARE(codeOf(store.edit(id, sample.job("b", 3))), ErrorCode::InvalidArgument);
            QVERIFY(store.apply(JobAction::Retry, std::array{id}).ok());
            QVERIFY(store.edit(id, sample.job("b", 3)).ok());
            QCOMPARE(store.find(id)->title, std::string("b"));
        }
        const QueueJobId id = sample.add(store, "a", 2);
        const auto ticket = ledger.take(id);
        store.database().run("UPDATE items SET state = 'done' WHERE job = ? AND picture = 0", id);
        QVERIFY(ledger.end(id, ticket->epoch, {.action = JobAction::Fail}));
        QVERIFY(store.apply(JobAction::Retry, std::array{id}).ok());
        QCOMPARE(codeOf(store.edit(id, sample.job("b", 3))), ErrorCode::InvalidArgument);
    }

    void clearingKeepsWhatOthersWaitFor() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId needed = sample.add(store, "needed"), other = sample.add(store, "other");
        NewJob clip = sample.job("clip");
        clip.needs = {needed};
        const QueueJobId waits = sample.add(store, clip);
        const std::array both{needed, other};
        const std::array clips{waits};
        QueueLedger ledger(store.database());
        const auto ticket = ledger.take(other); // so that more than a picture belongs to it
        QVERIFY(ledger.end(other, ticket->epoch, {.action = JobAction::Yield}));
        ledger.setProgress(other, {});
        QVERIFY(store.apply(JobAction::Cancel, both).ok());
        const std::array cancelled{JobState::Cancelled}, waiting{JobState::Waiting};
        QCOMPARE(*store.clear(cancelled), int64_t{1});
        QCOMPARE(codeOf(store.find(other)), ErrorCode::NotFound);
        QVERIFY(store.find(needed).ok());
        QCOMPARE(codeOf(store.clear(waiting)), ErrorCode::InvalidArgument);
        QVERIFY(store.apply(JobAction::Cancel, clips).ok());
        QCOMPARE(*store.clear(cancelled), int64_t{2});
        for (const char* table : {"items", "leases", "attempts", "needs", "progress"})
            QCOMPARE(
                store.database().integer(std::string("SELECT count(*) FROM ") + table + " WHERE 1"),
                int64_t{0});
        QCOMPARE(store.database().integer("PRAGMA foreign_keys"), int64_t{1}); // again
        // Numbers are not used again: a script that remembers one gets no stranger's job.
        QVERIFY(sample.add(store, "new") > waits);
    }

    void rowsThatSomebodyChangedAreRefused_data() {
        QTest::addColumn<QByteArray>("sql");
        for (const char* sql :
             {"UPDATE jobs SET state = 'glad'", "UPDATE jobs SET request = '{'",
              "UPDATE jobs SET request = '{\"prompt\": 7}'", "UPDATE jobs SET pictures = 7",
              "UPDATE jobs SET pictures_done = 3", "UPDATE jobs SET first_picture = -1",
              "UPDATE jobs SET format = 'exe'", "UPDATE jobs SET wish = 'fame'",
              "UPDATE jobs SET kind = 'film'", "UPDATE jobs SET title = x'00'",
              "UPDATE jobs SET request = replace(request, '\"seed\"', '\"seeds\"')"})
            QTest::newRow(sql) << QByteArray(sql);
    }
    void rowsThatSomebodyChangedAreRefused() {
        QFETCH(QByteArray, sql);
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId id = sample.add(store, "a");
        try {
            store.database().execute(sql.toStdString());
        } catch (const Error&) {
            return; // SQLite would not have it
        }
        const auto job = store.find(id);
        QVERIFY(!job);
        QVERIFY(job.error().code() == ErrorCode::BadFile ||
                job.error().code() == ErrorCode::Unsupported);
        QVERIFY(!store.list({}).ok());
    }

    void changesOfOthersAreNoticed() {
        const QueueSample sample;
        QueueStore mine = sample.open(), other = sample.open();
        const int64_t before = *mine.dataVersion();
        sample.add(mine, "my own");
        QCOMPARE(*mine.dataVersion(), before);
        sample.add(other, "a stranger's");
        QVERIFY(*mine.dataVersion() != before);
        QCOMPARE(titles(mine).size(), size_t{2});
    }

    // What is left is told from what was measured, for as many at once as run at once.
    void theTimeThatIsLeftIsTold() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId known = sample.add(store, "a", 3);
        NewJob other = sample.job("b");
        other.request.width = 1024;
        sample.add(store, other);
        QVERIFY(!store.find(known)->secondsLeft);
        QCOMPARE(store.status()->jobsOfUnknownTime, int64_t{2});
        QueueLedger ledger(store.database());
        Statement kind(store.database(), "SELECT step_kind FROM jobs WHERE id = 1");
        QVERIFY(kind.next());
        ledger.noteStepTimes(kind.text(0),
                             {.steps = 10, .secondsPerStep = 0.5, .secondsBeside = 1});
        QCOMPARE(*store.find(known)->secondsLeft, 18.0);
        QCOMPARE(store.status()->secondsLeft, 18.0);
        QCOMPARE(store.status()->jobsOfUnknownTime, int64_t{1});
        ledger.setCapacity(2);
        QCOMPARE(store.status()->secondsLeft, 9.0);
    }

    // What was measured of a plain job says nothing of one that does more.
    void timesAreThoseOfWhatRuns() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId plain = sample.add(store, "plain");
        QueueLedger ledger(store.database());
        Statement kind(store.database(), "SELECT step_kind FROM jobs WHERE id = 1");
        QVERIFY(kind.next());
        ledger.noteStepTimes(kind.text(0), {.steps = 10, .secondsPerStep = 1, .secondsBeside = 0});
        QVERIFY(store.find(plain)->secondsLeft);
        using Change = void (*)(pipelines::ImageRequest&);
        const Change changes[] = {[](auto& request) { request.hires = 2; },
                                  [](auto& request) { request.refiner = "second"; },
                                  [](auto& request) { request.upscaler = "sharp"; },
                                  [](auto& request) { request.denoiseTile = 512; },
                                  [](auto& request) { request.controls = {"canny"}; },
                                  [](auto& request) { request.initPath = "/there/a.png"; }};
        for (const Change change : changes) {
            NewJob more = sample.job("more");
            change(more.request);
            QVERIFY(!store.find(sample.add(store, more))->secondsLeft);
        }
    }

    void takesSingleJobsOffTheList() {
        const QueueSample sample;
        QueueStore store = sample.open();
        const QueueJobId ended = sample.add(store, "a");
        const QueueJobId waits = sample.add(store, "b");
        QVERIFY(store.apply(JobAction::Cancel, std::array{ended}).ok());
        QCOMPARE(codeOf(store.remove(std::array{ended, waits})), ErrorCode::InvalidArgument);
        QVERIFY(store.find(ended).ok()); // all or none
        NewJob dependent = sample.job("c");
        dependent.needs = {ended};
        const QueueJobId third = sample.add(store, dependent);
        QCOMPARE(codeOf(store.remove(std::array{ended})), ErrorCode::InvalidArgument);
        QVERIFY(store.apply(JobAction::Cancel, std::array{third}).ok());
        QVERIFY(store.remove(std::array{ended}).ok());
        QCOMPARE(codeOf(store.remove(std::array{ended})), ErrorCode::NotFound);
    }

    // Times are printed, not asserted: a busy machine is no fault of the queue.
    void tenThousandJobs() {
        const QueueSample sample;
        QueueStore store = sample.open();
        std::vector<NewJob> jobs;
        for (int i = 0; i < 10'000; ++i) {
            jobs.push_back(sample.job("a photograph of fox number " + std::to_string(i)));
            jobs.back().project = "project " + std::to_string(i % 7);
        }
        QElapsedTimer timer;
        const auto took = [&](const char* what) {
            const double milliseconds = static_cast<double>(timer.nsecsElapsed()) / 1e6;
            qInfo("%-28s %8.2f ms", what, milliseconds);
            timer.restart();
        };
        timer.start();
        QVERIFY(store.add(jobs).ok());
        took("add 10,000 in one");
        sample.add(store, "one more");
        took("add one to 10,000");
        QCOMPARE(store.list({.count = 50})->size(), size_t{50});
        took("list the first 50");
        QCOMPARE(store.list({.first = 9900, .count = 50})->size(), size_t{50});
        took("list 50 from 9,900");
        QCOMPARE(store.list({.text = "number 777", .count = 50})->size(), size_t{11});
        took("filter by words");
        QCOMPARE(store.list({.project = "project 3", .count = 50})->size(), size_t{50});
        took("filter by project");
        QCOMPARE(store.status()->waiting, int64_t{10'001});
        took("status");
        QCOMPARE(store.promisedPaths()->size(), size_t{10'001});
        took("promised names");
        QueueLedger ledger(store.database());
        QVERIFY(ledger.nextJob({}).has_value());
        took("the next job");
        QVERIFY(QueueStore::open(sample.data()).ok());
        took("open");
        const auto all = store.jobsIn(std::array{JobState::Waiting});
        QVERIFY(store.apply(JobAction::Cancel, *all).ok());
        took("cancel all");
        QCOMPARE(*store.clear(std::array{JobState::Cancelled}), int64_t{10'001});
        took("clear all");
    }
};

QTEST_GUILESS_MAIN(QueueStoreTest)
#include "queue_store_test.moc"
