#include "app/cli/run_job.h"

#include <QCoreApplication>
#include <QTest>

#include <atomic>
#include <csignal>
#include <thread>
#include <unistd.h>

using namespace kinora;
using namespace kinora::app;

namespace {

// Sends one step, then what the test says; cancelled it sends one picture more, as a picture that
// was done by then.
class ScriptedEngine : public core::Engine {
  public:
    explicit ScriptedEngine(bool untilCancelled) : m_untilCancelled(untilCancelled) {}

    using core::Engine::submit;
    int capacity() const override { return 1; }
    core::JobId submit(const pipelines::ImageRequest&, core::EngineSink sink,
                       const std::filesystem::path&) override {
        m_thread = std::jthread([this, sink] {
            sink(core::StepEvent{});
            while (m_untilCancelled && !m_cancelled)
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            sink(core::PictureEvent{});
            if (m_cancelled)
                sink(core::CancelledEvent{});
            else if (fails)
                sink(core::FailedEvent{Error(ErrorCode::NonFinite, "NaN")});
            else
                sink(core::FinishedEvent{.seconds = 2});
        });
        return 7;
    }
    void cancel(core::JobId job) override { m_cancelled = job == 7; }
    void stopAfterThis(core::JobId) override {}
    Result<pipelines::Plan> plan(const pipelines::ImageRequest&) override {
        return pipelines::Plan();
    }

    bool fails = false;

  private:
    bool m_untilCancelled;
    std::atomic<bool> m_cancelled = false;
    std::jthread m_thread;
};

} // namespace

class RunJobTest : public QObject {
    Q_OBJECT

  private slots:
    void handsEventsToTheCallingThread() {
        InterruptWatch interrupts;
        ScriptedEngine engine(false);
        int events = 0;
        const auto caller = std::this_thread::get_id();
        const JobOutcome outcome =
            runJob(engine, {}, interrupts, [&](const core::EngineEvent&) -> Result<void> {
                events += std::this_thread::get_id() == caller;
                return {};
            });
        QCOMPARE(events, 2);
        QVERIFY(outcome.end == JobEnd::Finished);
        QCOMPARE(outcome.finished.seconds, 2.0);
    }

    void tellsWhatFailed() {
        InterruptWatch interrupts;
        ScriptedEngine engine(false);
        engine.fails = true;
        const JobOutcome outcome = runJob(
            engine, {}, interrupts, [](const core::EngineEvent&) -> Result<void> { return {}; });
        QVERIFY(outcome.end == JobEnd::Failed);
        QVERIFY(outcome.error->code() == ErrorCode::NonFinite);
    }

    void anErrorOfTheHandlerCancels() {
        InterruptWatch interrupts;
        ScriptedEngine engine(true);
        const JobOutcome outcome =
            runJob(engine, {}, interrupts, [](const core::EngineEvent&) -> Result<void> {
                return Error(ErrorCode::DiskFull, "full");
            });
        QVERIFY(outcome.end == JobEnd::Failed);
        QVERIFY(outcome.error->code() == ErrorCode::DiskFull);
    }

    void aSignalCancelsAndFinishedPicturesArrive() {
        InterruptWatch interrupts;
        ScriptedEngine engine(true);
        bool picture = false;
        const JobOutcome outcome =
            runJob(engine, {}, interrupts, [&](const core::EngineEvent& event) -> Result<void> {
                if (std::holds_alternative<core::StepEvent>(event)) ::kill(::getpid(), SIGINT);
                picture = picture || std::holds_alternative<core::PictureEvent>(event);
                return {};
            });
        QVERIFY(outcome.end == JobEnd::Cancelled);
        QVERIFY(picture);
        QVERIFY(interrupts.interrupted());
    }
};

// As the program does, the signals are blocked before any other thread is made: Qt Test has one
// that watches over the time.
int main(int argc, char** argv) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    QCoreApplication application(argc, argv);
    RunJobTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "run_job_test.moc"
