// What the engine keeps of a job that ends too early, and how it goes on with it.
#include "tests/core/engine/engine_fixture.h"
#include "tests/core/engine/job_events.h"

#include <QFile>
#include <QTest>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>

using namespace kinora;
using namespace kinora::core;

class InProcessResumeTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() { m_engine = m_fixture.newEngine(); }

    void goesOnWhereAnEngineLeftAJob() {
        pipelines::ImageRequest request = redApple();
        request.sampler = "dpmpp_2m"; // it remembers earlier steps
        request.steps = 30;
        request.count = 2;
        Job whole;
        m_engine->submit(request, whole.sink());
        QVERIFY(whole.waitForEnd());
        const auto expected = whole.all<PictureEvent>();
        QCOMPARE(expected.size(), size_t{2});

        for (const int steps : {3, 33}) { // in the first picture, and in the second
            Job left;
            interrupt(request, left, steps);
            QCOMPARE(left.count<CancelledEvent>(), 1);
            QVERIFY(left.count<StepEvent>() < 60);
            QVERIFY(std::filesystem::exists(checkpointPath()));

            Job rest;
            finish(request, rest);
            QCOMPARE(rest.count<FinishedEvent>(), 1);
            QCOMPARE(rest.count<ResumedEvent>(), 1);
            const ResumedEvent resumed = rest.all<ResumedEvent>().front();
            QCOMPARE(resumed.fromBeginningBecause, std::string());
            QCOMPARE(resumed.interruption, std::string("the program was closed"));
            QCOMPARE(resumed.picture, steps > 30 ? 1 : 0);
            QVERIFY(resumed.step >= steps % 30);
            QCOMPARE(left.count<StepEvent>() + rest.count<StepEvent>(), 60);
            QCOMPARE(rest.all<StepEvent>().front().step, resumed.step + 1);

            const auto made = rest.all<PictureEvent>();
            QCOMPARE(made.size(), static_cast<size_t>(2 - resumed.picture));
            for (const PictureEvent& picture : made) {
                const PictureEvent& same = expected[static_cast<size_t>(picture.picture)];
                QVERIFY(picture.image.pixels == same.image.pixels);
                QVERIFY(toJson(picture.provenance) == toJson(same.provenance));
            }
            QVERIFY(!std::filesystem::exists(checkpointPath()));
        }
    }

    void keepsTheSeedThatWasDrawnForAJob() {
        pipelines::ImageRequest request = redApple();
        request.seed.reset();
        request.steps = 30;
        Job left;
        interrupt(request, left, 1);
        Job rest;
        finish(request, rest);
        QCOMPARE(rest.count<ResumedEvent>(), 1);
        QVERIFY(rest.all<ResumedEvent>().front().step > 0);
        QCOMPARE(*rest.all<PlannedEvent>().front().request.seed,
                 *left.all<PlannedEvent>().front().request.seed);
    }

    void beginsAgainWhereTheBytesCouldDifferAndSaysWhy() {
        pipelines::ImageRequest request = redApple();
        request.steps = 100;
        Job left;
        interrupt(request, left, 1);
        const auto tell = [&](InProcessEngine& engine, const pipelines::ImageRequest& asked) {
            Job job;
            const std::filesystem::path copy = m_fixture.folder() / "copy";
            std::filesystem::copy_file(checkpointPath(), copy,
                                       std::filesystem::copy_options::overwrite_existing);
            const JobId id = engine.submit(asked, job.sink(), copy);
            job.waitFor<StepEvent>();
            engine.cancel(id);
            job.waitForEnd();
            const auto resumed = job.all<ResumedEvent>();
            if (resumed.size() != 1 || job.all<StepEvent>().front().step != 1) return std::string();
            return resumed.front().fromBeginningBecause;
        };
        QCOMPARE(tell(*m_fixture.newEngine("kinora 9"), request),
                 std::string("it was begun by kinora test"));
        pipelines::ImageRequest other = request;
        other.cfg = 4;
        QCOMPARE(tell(*m_engine, other), std::string("it was begun for another request: cfg was "
                                                     "5.0 and is 4.0"));
        QFile file(QString::fromStdString(checkpointPath().string()));
        QVERIFY(file.resize(file.size() / 2));
        QCOMPARE(tell(*m_engine, request),
                 std::string("what was kept is damaged: it is cut short"));
    }

    void clearsTheCheckpointOfAJobThatAPersonCancels() {
        pipelines::ImageRequest request = redApple();
        request.steps = 500;
        Job left;
        interrupt(request, left, 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));
        Job running, waiting;
        const JobId id = m_engine->submit(request, running.sink());
        m_engine->cancel(m_engine->submit(request, waiting.sink(), checkpointPath()));
        const bool cleared = !std::filesystem::exists(checkpointPath()); // though it had not begun
        m_engine->cancel(id);
        QVERIFY(running.waitForEnd());
        QVERIFY(cleared);

        Job again;
        interrupt(request, again, 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));
        Job cancelled;
        const JobId resumed = m_engine->submit(request, cancelled.sink(), checkpointPath());
        QVERIFY(cancelled.waitFor<StepEvent>());
        m_engine->cancel(resumed);
        QVERIFY(cancelled.waitForEnd());
        QVERIFY(!std::filesystem::exists(checkpointPath()));
    }

    void keepsTheCheckpointOfAJobThatIsInterrupted() {
        pipelines::ImageRequest request = redApple();
        request.steps = 500;
        Job running;
        const JobId id = m_engine->submit(request, running.sink(), checkpointPath());
        QVERIFY(running.waitFor<StepEvent>(2));
        m_engine->interrupt(id);
        QVERIFY(running.waitForEnd());
        QCOMPARE(running.count<CancelledEvent>(), 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));

        Job again;
        const JobId resumed = m_engine->submit(request, again.sink(), checkpointPath());
        QVERIFY(again.waitFor<StepEvent>());
        QVERIFY(again.all<StepEvent>().front().step > 2);
        m_engine->cancel(resumed);
        QVERIFY(again.waitForEnd());
        QVERIFY(!std::filesystem::exists(checkpointPath()));
    }

    void keepsTheCheckpointOfAJobThatFails() {
        pipelines::ImageRequest request = redApple();
        request.steps = 100;
        Job left;
        interrupt(request, left, 1);
        request.model = "no-such-model";
        Job failed;
        finish(request, failed);
        QCOMPARE(failed.count<FailedEvent>(), 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));
        std::filesystem::remove(checkpointPath());
    }

  private:
    std::filesystem::path checkpointPath() const { return m_fixture.folder() / "job.checkpoint"; }
    // The engine goes as soon as the job has done that many steps.
    void interrupt(const pipelines::ImageRequest& request, Job& job, int steps) {
        auto engine = m_fixture.newEngine();
        engine->submit(request, job.sink(), checkpointPath());
        QVERIFY(job.waitFor<StepEvent>(static_cast<size_t>(steps)));
    }
    void finish(const pipelines::ImageRequest& request, Job& job) {
        auto engine = m_fixture.newEngine();
        engine->submit(request, job.sink(), checkpointPath());
        QVERIFY(job.waitForEnd());
    }

    EngineFixture m_fixture;
    std::unique_ptr<InProcessEngine> m_engine;
};

QTEST_GUILESS_MAIN(InProcessResumeTest)
#include "in_process_resume_test.moc"
