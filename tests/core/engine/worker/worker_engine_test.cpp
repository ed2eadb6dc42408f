// Real worker processes on the real starter model.
#include "core/engine/in_process_engine.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "tests/core/engine/worker/worker_fixture.h"

#include <QElapsedTimer>
#include <nlohmann/json.hpp>

#include <array>
#include <signal.h>

using namespace kinora;
using namespace kinora::core;

namespace {

bool isStep(const EngineEvent& event, int64_t step) {
    const auto* one = std::get_if<StepEvent>(&event);
    return one && one->step == step;
}

void killWorkers(const Engine& engine, int signal) {
    for (const int id : processIds(engine)) ::kill(id, signal);
}

} // namespace

class WorkerEngineTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        m_backends.add(kernels::cpuBackend());
        static const kernels::BackendTable plan = kernels::cpuPlanBackend(kernels::metaBackend());
        m_backends.add(plan);
        m_library = std::make_unique<ModelLibrary>(
            ModelLibrary::Options{{KINORA_SOURCE_DIR "/resources/models"}, m_fixture.folder()});
        m_engine = m_fixture.engine(1);
    }

    void cleanupTestCase() { m_engine.reset(); }

    // The same request in this process and in a worker: every event says the same but for times.
    void saysWhatAnEngineInTheProcessSays() {
        pipelines::ImageRequest request = WorkerFixture::redApple();
        request.count = 3;
        request.batch = 2;
        request.previewEvery = 2;
        Job here, there;
        InProcessEngine inProcess(m_backends, *m_library,
                                  {.threads = 1,
                                   .version = m_fixture.options(1).engineVersion,
                                   .dataFolder = m_fixture.folder()});
        inProcess.submit(request, here.sink());
        QVERIFY(here.waitForEnd());
        m_engine->submit(request, there.sink());
        QVERIFY(there.waitForEnd());
        QCOMPARE(there.kinds(), here.kinds());
        QCOMPARE(there.pictureHashes(), here.pictureHashes());
        QCOMPARE(there.count<PictureEvent>(), 3);
        QCOMPARE(there.count<PreviewEvent>(), here.count<PreviewEvent>());
        for (size_t i = 0; i < 3; ++i) {
            const Provenance a = here.all<PictureEvent>()[i].provenance;
            const Provenance b = there.all<PictureEvent>()[i].provenance;
            QVERIFY(toJson(a) == toJson(b));
            QCOMPARE(b.request.precision, a.request.precision);
            QCOMPARE(b.request.device, a.request.device);
        }
        const pipelines::Plan a = here.all<PlannedEvent>().front().plan;
        const pipelines::Plan b = there.all<PlannedEvent>().front().plan;
        QCOMPARE(b.weightBytes, a.weightBytes);
        QCOMPARE(b.deviceName, a.deviceName);
        QCOMPARE(b.threads, a.threads);
        QVERIFY(there.all<FinishedEvent>().front().peakBytes > a.weightBytes);
    }

    void plansInTheWorker() {
        const Result<pipelines::Plan> plan = m_engine->plan(WorkerFixture::redApple(7));
        QVERIFY2(plan.ok(), plan ? "" : plan.error().what());
        QCOMPARE(plan->steps, 7);
        pipelines::ImageRequest unknown = WorkerFixture::redApple();
        unknown.model = "nothing-of-that-name";
        const Result<pipelines::Plan> refused = m_engine->plan(unknown);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code(), ErrorCode::NotFound);
    }

    void workersShareTheMemory() {
        kernels::DeviceDescription device{};
        m_backends.find("cpu").describe(0, &device);
        const auto alone = m_engine->plan(WorkerFixture::redApple());
        const auto third = m_fixture.engine(3)->plan(WorkerFixture::redApple());
        QVERIFY(alone.ok() && third.ok());
        QVERIFY(third->availableBytes <= device.memoryBytes / 10 * 9 / 3 + 10);
        QVERIFY(alone->availableBytes > third->availableBytes);
    }

    // The second worker's job has its last event when the first worker has gone already.
    void answersUntilTheLastJobHasEnded() {
        std::array<Job, 2> jobs;
        std::unique_ptr<WorkerEngine> owner = m_fixture.engine(2);
        const WorkerEngine& engine = *owner;
        std::atomic<size_t> workers = 0;
        for (size_t i = 0; i < jobs.size(); ++i) {
            const auto atTheEnd = [&, id = JobId{i + 1}](const EngineEvent& event) {
                if (!std::holds_alternative<CancelledEvent>(event)) return;
                if (engine.workers()[1].job != id) return; // the first worker's
                std::this_thread::sleep_for(std::chrono::seconds(1));
                workers = engine.workers().size();
            };
            owner->submit(WorkerFixture::redApple(900), jobs[i].sink(atTheEnd));
        }
        for (Job& job : jobs) QVERIFY(job.waitFor<StepEvent>());
        owner.reset();
        for (const Job& job : jobs) QCOMPARE(job.count<CancelledEvent>(), 1);
        QCOMPARE(workers.load(), size_t{2});
    }

    void refusesWhatTheEngineRefuses() {
        pipelines::ImageRequest wrong = WorkerFixture::redApple();
        wrong.width = 130;
        Job job;
        m_engine->submit(wrong, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.all<FailedEvent>().front().error.code(), ErrorCode::InvalidArgument);
    }

    void goesOnAfterEveryKindOfDeath_data() {
        QTest::addColumn<int>("signal");
        QTest::addColumn<int>("step");
        QTest::addColumn<QString>("says");
        for (const int step : {1, 3, 6})
            QTest::addRow("killed after step %d", step)
                << SIGKILL << step << QStringLiteral("was killed (signal 9)");
        QTest::addRow("crashed") << SIGSEGV << 2 << QStringLiteral("crashed (signal 11)");
    }

    void goesOnAfterEveryKindOfDeath() {
        QFETCH(int, signal);
        QFETCH(int, step);
        QFETCH(QString, says);
        pipelines::ImageRequest request = WorkerFixture::redApple();
        request.sampler = "euler_a"; // noise in every step, which must go on too
        request.count = 2;
        Job whole;
        m_engine->submit(request, whole.sink());
        QVERIFY(whole.waitForEnd());

        Job job;
        bool done = false;
        m_engine->submit(request, job.sink([&](const EngineEvent& event) {
            if (isStep(event, step) && !std::exchange(done, true)) killWorkers(*m_engine, signal);
        }));
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.failure(), std::string());
        QCOMPARE(job.count<FinishedEvent>(), 1);
        QCOMPARE(job.pictureHashes(), whole.pictureHashes());
        QCOMPARE(job.count<PlannedEvent>(), 1);
        QCOMPARE(job.count<ResumedEvent>(), 1);
        const ResumedEvent resumed = job.all<ResumedEvent>().front();
        QVERIFY2(QString::fromStdString(resumed.interruption).contains(says),
                 resumed.interruption.c_str());
        QCOMPARE(resumed.fromBeginningBecause, std::string());
        QVERIFY(resumed.picture > 0 || resumed.step >= step); // at most the step it was in
    }

    void startsAgainWhereNothingWasKept() {
        Job job;
        bool done = false;
        pipelines::ImageRequest request = WorkerFixture::redApple();
        request.seed.reset(); // the seed that was drawn first holds
        m_engine->submit(request, job.sink([&](const EngineEvent& event) {
            if (std::holds_alternative<PlannedEvent>(event) && !std::exchange(done, true))
                killWorkers(*m_engine, SIGKILL);
        }));
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<FinishedEvent>(), 1);
        QCOMPARE(job.count<ResumedEvent>(), 1);
        QCOMPARE(job.all<ResumedEvent>().front().step, 0);
        QCOMPARE(*job.all<PictureEvent>().front().provenance.request.seed,
                 *job.all<PlannedEvent>().front().request.seed);
    }

    void cancelsWithinASecond() {
        pipelines::ImageRequest request = WorkerFixture::redApple(500);
        request.width = request.height = 512;
        Job job, waiting;
        const JobId id = m_engine->submit(request, job.sink());
        const JobId next = m_engine->submit(request, waiting.sink());
        QVERIFY(job.waitFor<StepEvent>(2));
        m_engine->cancel(next);
        QCOMPARE(waiting.count<CancelledEvent>(), 1);
        QElapsedTimer timer;
        timer.start();
        m_engine->cancel(id);
        QVERIFY(job.waitForEnd());
        QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
        QCOMPARE(job.count<CancelledEvent>(), 1);
    }

    void whatIsInterruptedGoesOnAnotherTime() {
        const auto checkpoint = m_fixture.folder() / "interrupted.checkpoint";
        const pipelines::ImageRequest request = WorkerFixture::redApple(500);
        Job job;
        const JobId id = m_engine->submit(request, job.sink(), checkpoint);
        QVERIFY(job.waitFor<StepEvent>(2));
        m_engine->interrupt(id);
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<CancelledEvent>(), 1);
        QVERIFY(std::filesystem::exists(checkpoint));
        Job again;
        const JobId resumed = m_engine->submit(request, again.sink(), checkpoint);
        QVERIFY(again.waitFor<StepEvent>());
        QVERIFY(again.all<StepEvent>().front().step > 2);
        m_engine->cancel(resumed);
        QVERIFY(again.waitForEnd());
        QVERIFY(!std::filesystem::exists(checkpoint));
    }

    void cancelsFromWithinItsOwnSink() {
        Job job;
        std::atomic<JobId> id = 0;
        id = m_engine->submit(WorkerFixture::redApple(500), job.sink([&](const EngineEvent& event) {
            if (isStep(event, 2)) m_engine->cancel(id);
        }));
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<CancelledEvent>(), 1);
    }

    void stopsAfterThePictureThatRuns() {
        pipelines::ImageRequest request = WorkerFixture::redApple(4);
        request.count = 50;
        Job job;
        const JobId id = m_engine->submit(request, job.sink());
        QVERIFY(job.waitFor<StepEvent>());
        m_engine->stopAfterThis(id);
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<FinishedEvent>(), 1);
        QVERIFY(job.count<PictureEvent>() < 50);
    }

    // The file is what another studio goes on from.
    void keepsCheckpointsWhenTheStudioLeaves() {
        const std::filesystem::path file = m_fixture.folder() / "job.checkpoint";
        pipelines::ImageRequest request = WorkerFixture::redApple(60);
        Job whole, first, second;
        m_engine->submit(request, whole.sink());
        QVERIFY(whole.waitForEnd());
        auto engine = m_fixture.engine(1);
        engine->submit(request, first.sink(), file);
        QVERIFY(first.waitFor<StepEvent>(3));
        engine.reset();
        QCOMPARE(first.count<CancelledEvent>(), 1);
        QVERIFY(std::filesystem::exists(file));
        m_engine->submit(request, second.sink(), file);
        QVERIFY(second.waitForEnd());
        QCOMPARE(second.count<ResumedEvent>(), 1);
        QVERIFY(second.all<ResumedEvent>().front().step >= 3);
        QCOMPARE(second.pictureHashes(), whole.pictureHashes());
        QVERIFY(!std::filesystem::exists(file));
    }

  private:
    WorkerFixture m_fixture;
    kernels::BackendRegistry m_backends;
    std::unique_ptr<ModelLibrary> m_library;
    std::unique_ptr<WorkerEngine> m_engine;
};

QTEST_GUILESS_MAIN(WorkerEngineTest)
#include "worker_engine_test.moc"
