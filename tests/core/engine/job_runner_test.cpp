// A job whose worker dies after any step: what lies in the store then goes on to the same bytes.
// The real starter model.
#include "tests/core/engine/runner_fixture.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;

namespace {

pipelines::ImageRequest threePictures() {
    pipelines::ImageRequest request;
    request.prompt = "3d emoji of a red apple";
    request.seed = 1;
    request.steps = 3;
    request.width = request.height = 64;
    request.sampler = "euler_a";
    request.count = 3;
    request.batch = 2;
    return request;
}

} // namespace

class JobRunnerTest : public QObject {
    Q_OBJECT

    RunnerFixture m_fixture;

    std::unique_ptr<JobRunner> runner(int threads = 2) { return m_fixture.runner(threads); }
    static void run(JobRunner& runner, RunnerJob& job, CheckpointStore* store,
                    const pipelines::ImageRequest& request = threePictures(),
                    const std::function<void(const EngineEvent&)>& also = {}) {
        RunnerFixture::run(runner, job, store, request, also);
    }

  private slots:
    void goesOnFromAnythingThatAWorkerMayLeave() {
        test::MemoryCheckpoint store;
        RunnerJob whole;
        run(*runner(), whole, &store);
        QCOMPARE(whole.all<FinishedEvent>().size(), size_t{1});
        QCOMPARE(whole.all<ResumedEvent>().size(), size_t{0});
        QVERIFY(store.bytes.empty()); // cleared
        // Three steps, the second batch's beginning, three steps.
        QCOMPARE(store.all.size(), size_t{7});
        const auto expected = whole.pictures();
        QCOMPARE(expected.size(), size_t{3});

        const auto next = runner();
        for (const std::vector<std::byte>& left : store.all) {
            test::MemoryCheckpoint kept;
            kept.bytes = left;
            RunnerJob rest;
            run(*next, rest, &kept);
            QCOMPARE(rest.all<FinishedEvent>().size(), size_t{1});
            QCOMPARE(rest.all<ResumedEvent>().size(), size_t{1});
            const ResumedEvent resumed = rest.all<ResumedEvent>().front();
            QCOMPARE(resumed.fromBeginningBecause, std::string());
            QCOMPARE(static_cast<int64_t>(rest.all<StepEvent>().size()),
                     (resumed.picture == 0 ? 6 : 3) - resumed.step);
            auto remaining = expected;
            std::erase_if(remaining, [&](const auto& one) { return one.first < resumed.picture; });
            QVERIFY(rest.pictures() == remaining);
            QVERIFY(kept.bytes.empty());
        }
    }

    // The sink hears of a step when it is kept already: a worker that dies at once loses nothing.
    void keepsAStepBeforeItIsToldOf() {
        test::MemoryCheckpoint store;
        RunnerJob job;
        std::vector<size_t> kept;
        run(*runner(), job, &store, threePictures(), [&](const EngineEvent& event) {
            if (std::holds_alternative<StepEvent>(event)) kept.push_back(store.all.size());
        });
        QVERIFY((kept == std::vector<size_t>{1, 2, 3, 5, 6, 7}));
    }

    void leavesAfterTheStepThatRuns() {
        test::MemoryCheckpoint store;
        store.due = false;
        RunnerJob job;
        run(*runner(), job, &store, threePictures(), [&](const EngineEvent& event) {
            if (std::holds_alternative<StepEvent>(event)) job.control.leave.cancel();
        });
        QVERIFY(std::holds_alternative<CancelledEvent>(job.events.back()));
        QCOMPARE(job.all<StepEvent>().size(), size_t{1}); // the second is done, and not told of
        QVERIFY(store.read().left);
        QCOMPARE(store.read().state.run->calls, 2);
    }

    void forgetsAJobThatIsCancelled() {
        test::MemoryCheckpoint store;
        RunnerJob job;
        run(*runner(), job, &store, threePictures(), [&](const EngineEvent& event) {
            if (std::holds_alternative<StepEvent>(event)) job.control.cancel.cancel();
        });
        QVERIFY(std::holds_alternative<CancelledEvent>(job.events.back()));
        QVERIFY(!store.all.empty());
        QVERIFY(store.bytes.empty());
    }

    // With more or less memory free than before, tiling would be chosen differently.
    void goesOnWithTheTilingThatWasChosen() {
        pipelines::ImageRequest request = threePictures();
        request.tiling = "on";
        test::MemoryCheckpoint store;
        RunnerJob first;
        run(*runner(), first, &store, request);
        store.bytes = store.all.front();
        request.tiling = "auto";
        RunnerJob rest;
        run(*runner(), rest, &store, request);
        QCOMPARE(rest.all<ResumedEvent>().at(0).fromBeginningBecause, std::string());
        QCOMPARE(rest.all<PlannedEvent>().at(0).plan.tiling, std::string("vae"));
        QVERIFY(rest.pictures() == first.pictures());
    }

    void beginsAgainWithOtherThreadsOrFiles() {
        test::MemoryCheckpoint store;
        RunnerJob first;
        run(*runner(), first, &store);
        const std::vector<std::byte> left = store.all.front();

        store.bytes = left;
        RunnerJob threads;
        run(*runner(1), threads, &store);
        QCOMPARE(threads.all<ResumedEvent>().at(0).fromBeginningBecause,
                 std::string("it was begun with 2 threads and would go on with 1"));
        QCOMPARE(threads.all<StepEvent>().size(), size_t{6});

        const std::filesystem::path copy = m_fixture.folder() / "starter-image";
        std::filesystem::copy(kModels / "starter-image", copy,
                              std::filesystem::copy_options::recursive);
        pipelines::ImageRequest request = threePictures();
        request.model = copy.string();
        store.bytes = left;
        RunnerJob touched;
        run(*runner(), touched, &store, request);
        QCOMPARE(touched.all<ResumedEvent>().at(0).fromBeginningBecause,
                 std::string("the model's files have changed since it was begun"));
        QVERIFY(touched.pictures().size() == 3);
    }
};

QTEST_GUILESS_MAIN(JobRunnerTest)
#include "job_runner_test.moc"
