// Workers that hang, jobs that kill, studios that go.
#include "core/engine/checkpoint.h"
#include "core/engine/worker/messages.h"
#include "core/engine/worker/private_socket.h"
#include "core/engine/worker/worker_connection.h"
#include "core/engine/worker/worker_process.h"
#include "tests/core/engine/worker/worker_fixture.h"

#include <QElapsedTimer>
#include <QFile>

#include <algorithm>
#include <fstream>
#include <map>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;

extern "C" void __asan_init() __attribute__((weak)); // there where AddressSanitizer is

namespace {

bool isAlive(int id) {
    // A zombie has ended; its parent has not asked yet.
    std::ifstream stat("/proc/" + std::to_string(id) + "/stat");
    std::string text;
    std::getline(stat, text);
    const size_t name = text.rfind(')');
    return name != std::string::npos && text.size() > name + 2 && text[name + 2] != 'Z';
}

// Voluntary and involuntary switches of all threads: how often it woke.
int64_t wakeUps(int id) {
    int64_t sum = 0;
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(id) + "/task")) {
        std::ifstream status(task.path() / "status");
        for (std::string key; status >> key;)
            if (int64_t count = 0; key.ends_with("ctxt_switches:") && status >> count) sum += count;
    }
    return sum;
}

int64_t residentKibibytes(int id) {
    std::ifstream status("/proc/" + std::to_string(id) + "/status");
    for (std::string key; status >> key;)
        if (int64_t kibibytes = 0; key == "VmRSS:" && status >> kibibytes) return kibibytes;
    return 0;
}

} // namespace

class WorkerDeathTest : public QObject {
    Q_OBJECT

  private slots:
    void replacesAWorkerThatHangs() {
        WorkerEngineOptions options = m_fixture.options(1);
        options.hangSeconds = 3;
        Job whole, job; // outlive the engine, which calls them
        WorkerEngine engine(options);
        engine.submit(WorkerFixture::redApple(), whole.sink());
        QVERIFY(whole.waitForEnd());
        bool done = false;
        engine.submit(WorkerFixture::redApple(), job.sink([&](const EngineEvent& event) {
            if (std::holds_alternative<StepEvent>(event) && !std::exchange(done, true))
                for (const int id : processIds(engine)) ::kill(id, SIGSTOP);
        }));
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.pictureHashes(), whole.pictureHashes());
        QCOMPARE(job.count<ResumedEvent>(), 1);
        const std::string why = job.all<ResumedEvent>().front().interruption;
        QVERIFY2(why.find("hung (no heartbeat for 3 seconds)") != std::string::npos, why.c_str());
        QVERIFY(job.all<ResumedEvent>().front().step >= 1);
    }

    // One that is stopped does not hold up the others, nor whoever closes the program.
    void leavesAtOnceThoughAWorkerIsStopped() {
        const std::filesystem::path files[] = {m_fixture.folder() / "stopped.checkpoint",
                                               m_fixture.folder() / "beside.checkpoint"};
        Job jobs[2];
        auto engine = m_fixture.engine(2);
        JobId ids[2];
        for (int i = 0; i < 2; ++i)
            ids[i] = engine->submit(WorkerFixture::redApple(500), jobs[i].sink(), files[i]);
        for (Job& job : jobs) QVERIFY(job.waitFor<StepEvent>(2));
        for (const WorkerStatus& worker : engine->workers())
            if (worker.job == ids[0]) ::kill(static_cast<pid_t>(worker.processId), SIGSTOP);
        QElapsedTimer timer;
        timer.start();
        for (const JobId id : ids) engine->interrupt(id);
        for (Job& job : jobs) QVERIFY(job.waitForEnd());
        engine.reset();
        qInfo("left after %lld ms", timer.elapsed());
        QVERIFY(timer.elapsed() < 9000); // a busy machine included
        for (const Job& job : jobs) QCOMPARE(job.count<CancelledEvent>(), 1);
        for (const auto& file : files) QVERIFY(std::filesystem::exists(file)); // it goes on
    }

    // It stops for longer than a command may take, while the studio has its picture in hand.
    void waitsForAWorkerThatIsBackInTime() {
        WorkerEngineOptions options = m_fixture.options(1);
        options.hangSeconds = 60;
        options.silenceSeconds = 20; // so long a job would be stuck whose worker waits for ever
        Job job;
        std::jthread waker;
        WorkerEngine engine(options);
        engine.submit(WorkerFixture::redApple(2), job.sink([&](const EngineEvent& event) {
            if (!std::holds_alternative<PictureEvent>(event)) return;
            const std::vector<int> ids = processIds(engine);
            for (const int id : ids) ::kill(id, SIGSTOP);
            waker = std::jthread([ids] {
                std::this_thread::sleep_for(std::chrono::seconds(7));
                for (const int id : ids) ::kill(id, SIGCONT);
            });
        }));
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.failure(), std::string());
        QCOMPARE(job.count<ResumedEvent>(), 0);
        QCOMPARE(job.count<PictureEvent>(), 1);
    }

    // Somebody ends the worker as one ends a program: the job is not cancelled by that.
    void replacesAWorkerThatIsToldToEnd() {
        Job whole, job;
        WorkerEngine engine(m_fixture.options(1));
        engine.submit(WorkerFixture::redApple(), whole.sink());
        QVERIFY(whole.waitForEnd());
        bool done = false;
        engine.submit(WorkerFixture::redApple(), job.sink([&](const EngineEvent& event) {
            if (std::holds_alternative<StepEvent>(event) && !std::exchange(done, true))
                for (const int id : processIds(engine)) ::kill(id, SIGTERM);
        }));
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<CancelledEvent>(), 0);
        QCOMPARE(job.count<FinishedEvent>(), 1);
        QCOMPARE(job.pictureHashes(), whole.pictureHashes());
    }

    // A job that kills its worker twice at one place, beside jobs that do not.
    void setsAsideAJobThatKillsTwice() {
        const auto engine = m_fixture.engine(2);
        Job killer;
        pipelines::ImageRequest deadly = WorkerFixture::redApple();
        deadly.seed = 666;
        std::vector<Job> others(kSlow ? 2 : 6);
        engine->submit(deadly, killer.sink([&](const EngineEvent& event) {
            if (!std::holds_alternative<LoadingEvent>(event)) return;
            const JobId first = 1;
            for (const WorkerStatus& worker : engine->workers())
                if (worker.job == first && worker.processId > 0) ::kill(worker.processId, SIGKILL);
        }));
        for (Job& other : others) engine->submit(WorkerFixture::redApple(3), other.sink());
        QVERIFY(killer.waitForEnd());
        QCOMPARE(killer.count<FailedEvent>(), 1);
        const Error error = killer.all<FailedEvent>().front().error;
        QCOMPARE(error.code(), ErrorCode::WorkerLost);
        QVERIFY2(QString::fromStdString(error.message()).contains(QStringLiteral("signal 9")),
                 error.what());
        for (Job& other : others) {
            QVERIFY(other.waitForEnd());
            QCOMPARE(other.failure(), std::string());
        }
        QCOMPARE(engine->capacity(), 2);
    }

    // Once in each pass. The second time it is the turn of a picture before the one of the first
    // time, or the next one's: nothing that both have in common.
    void survivesDeathsInBothPasses_data() {
        QTest::addColumn<bool>("refiner");
        QTest::addColumn<QList<int>>("deaths"); // after that many steps of the job
        QTest::newRow("refiner") << true << QList<int>{4, 5};
        QTest::newRow("hires") << false << QList<int>{5, 11};
    }
    void survivesDeathsInBothPasses() {
        QFETCH(bool, refiner);
        QFETCH(QList<int>, deaths);
        pipelines::ImageRequest request = WorkerFixture::redApple(4);
        request.width = request.height = 64;
        request.sampler = "euler_a";
        request.count = 2;
        if (refiner) {
            request.refiner = "starter-image";
            request.refinerAt = 0.5;
        } else {
            request.hires = 1.5;
        }
        const auto engine = m_fixture.engine(1);
        Job whole, job;
        engine->submit(request, whole.sink());
        QVERIFY(whole.waitForEnd());
        QCOMPARE(whole.count<PictureEvent>(), 2);
        engine->submit(request, job.sink([&](const EngineEvent& event) {
            const auto* step = std::get_if<StepEvent>(&event);
            if (!step || deaths.isEmpty() || step->done < deaths.front()) return;
            deaths.removeFirst();
            for (const int id : processIds(*engine)) ::kill(id, SIGKILL);
        }));
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.failure(), std::string());
        QVERIFY(deaths.isEmpty());
        QCOMPARE(job.count<ResumedEvent>(), 2);
        for (const ResumedEvent& resumed : job.all<ResumedEvent>()) {
            QCOMPARE(resumed.fromBeginningBecause, std::string());
            QVERIFY(resumed.step > 0);
        }
        QCOMPARE(job.pictureHashes(), whole.pictureHashes());
        QVERIFY(job.count<StepEvent>() <= whole.count<StepEvent>()); // none is done twice
    }

    // Each of them comes after a step of the job that it hits: twice at one place would set it
    // aside.
    void survivesRandomDeaths() {
        std::vector<Job> jobs(kSlow ? 3 : 6); // outlive the engine, which calls them
        const auto engine = m_fixture.engine(2);
        std::vector<std::string> expected;
        {
            Job job;
            pipelines::ImageRequest request = WorkerFixture::redApple(8);
            request.count = static_cast<int64_t>(jobs.size());
            engine->submit(request, job.sink());
            QVERIFY(job.waitForEnd());
            expected = job.pictureHashes();
        }
        std::map<JobId, const Job*> byId;
        for (size_t i = 0; i < jobs.size(); ++i) {
            pipelines::ImageRequest request = WorkerFixture::redApple(8);
            request.seed = 1 + static_cast<int64_t>(i);
            byId[engine->submit(request, jobs[i].sink())] = &jobs[i];
        }
        std::map<JobId, int> stepsAtDeath;
        unsigned state = 12345;
        const auto killOne = [&] {
            const std::vector<WorkerStatus> workers = engine->workers();
            const WorkerStatus& worker = workers[(state >> 8) % workers.size()];
            if (worker.processId <= 0 || !byId.contains(worker.job)) return false;
            const int steps = byId[worker.job]->count<StepEvent>();
            if (steps <= stepsAtDeath[worker.job]) return false;
            stepsAtDeath[worker.job] = steps;
            return ::kill(worker.processId, SIGKILL) == 0;
        };
        const auto allEnded = [&] {
            return std::ranges::all_of(jobs,
                                       [](const Job& job) { return job.count<FinishedEvent>(); });
        };
        int kills = 0;
        while (kills < (kSlow ? 2 : 4) && !allEnded()) {
            state = state * 1103515245 + 12345;
            QTest::qWait(10 + static_cast<int>(state >> 16) % 90);
            if (killOne()) ++kills;
        }
        QVERIFY(kills > 1);
        for (size_t i = 0; i < jobs.size(); ++i) {
            QVERIFY(jobs[i].waitForEnd());
            QCOMPARE(jobs[i].failure(), std::string());
            QCOMPARE(jobs[i].pictureHashes(), std::vector<std::string>{expected[i]});
        }
    }

    void saysWhyADeviceIsOff() {
        WorkerEngineOptions options = m_fixture.options(1);
        options.program = "/bin/false";
        WorkerEngine engine(options);
        Job job;
        engine.submit(WorkerFixture::redApple(), job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.all<FailedEvent>().front().error.code(), ErrorCode::WorkerLost);
        QVERIFY2(job.failure().find("ended with code 1 before it was ready") != std::string::npos,
                 job.failure().c_str());
        QVERIFY(engine.workers().front().state == WorkerState::Off);
        QVERIFY(!engine.plan(WorkerFixture::redApple()));
    }

    void isOffAtOnceWhereTheVersionsDiffer() {
        WorkerEngineOptions options = m_fixture.options(1);
        options.engineVersion = "kinora of another day";
        WorkerEngine engine(options);
        Job job;
        engine.submit(WorkerFixture::redApple(), job.sink());
        QVERIFY(job.waitForEnd());
        QVERIFY2(job.failure().find("kinora of another day") != std::string::npos,
                 job.failure().c_str());
    }

    // The studio is killed in the middle of a step: its worker finishes that, keeps it and leaves.
    void leavesWhenTheStudioIsKilled() {
        const std::filesystem::path file = m_fixture.folder() / "orphan.checkpoint";
        int tell[2];
        QVERIFY(::pipe(tell) == 0);
        const pid_t studio = ::fork(); // this process has no threads yet but Qt Test's watchdog
        if (studio == 0) {
            ::setenv("KINORA_TEST_ORPHAN", file.c_str(), 1);
            ::dup2(tell[1], STDOUT_FILENO);
            ::execl("/proc/self/exe", "studio", nullptr);
            ::_exit(9);
        }
        ::close(tell[1]);
        int worker = 0;
        QVERIFY(::read(tell[0], &worker, sizeof worker) == sizeof worker);
        ::close(tell[0]);
        QVERIFY(isAlive(worker));
        ::kill(studio, SIGKILL);
        QVERIFY(::waitpid(studio, nullptr, 0) == studio);
        QElapsedTimer timer;
        timer.start();
        while (isAlive(worker) && timer.elapsed() < 20'000) QTest::qWait(20);
        QVERIFY(!isAlive(worker));
        QFile kept(QString::fromStdString(file.string()));
        QVERIFY(kept.open(QIODevice::ReadOnly));
        const QByteArray bytes = kept.readAll();
        const Result<Checkpoint> checkpoint =
            checkpointFromBytes(std::as_bytes(std::span(bytes.data(), bytes.size())));
        QVERIFY2(checkpoint.ok(), checkpoint ? "" : checkpoint.error().what());
        QVERIFY(checkpoint->state.run->calls >= 2);
        QVERIFY(checkpoint->left);
    }

    void restsWhereThereIsNothingToDo() {
        if (kSlow) QSKIP("ThreadSanitizer has a thread of its own that wakes up.");
        const auto engine = m_fixture.engine(2);
        Job job;
        engine->submit(WorkerFixture::redApple(2), job.sink());
        QVERIFY(job.waitForEnd());
        QTest::qWait(1500);
        std::vector<int> ids = processIds(*engine);
        QCOMPARE(ids.size(), size_t{2});
        ids.push_back(::getpid());
        std::vector<int64_t> before;
        for (const int id : ids) before.push_back(wakeUps(id));
        constexpr int kSeconds = 6;
        std::this_thread::sleep_for(std::chrono::seconds(kSeconds));
        for (size_t i = 0; i < ids.size(); ++i) {
            const int64_t perSecond = (wakeUps(ids[i]) - before[i]) / kSeconds;
            qInfo("process %d woke %lld times a second", ids[i], static_cast<long long>(perSecond));
            QVERIFY(perSecond <= 10);
        }
    }

    void keepsItsMemoryFlatOverManyJobs() {
        if (kSlow) QSKIP("ThreadSanitizer's own memory grows with what it has seen.");
        const auto engine = m_fixture.engine(1);
        pipelines::ImageRequest request = WorkerFixture::redApple(1);
        request.width = request.height = 64;
        const auto run = [&](int jobs) {
            for (int i = 0; i < jobs; ++i) {
                Job job;
                engine->submit(request, job.sink());
                if (!job.waitForEnd() || job.count<FinishedEvent>() != 1) return false;
            }
            return true;
        };
        QVERIFY(run(20));
        const int worker = processIds(*engine).front();
        const int64_t before = residentKibibytes(worker), studio = residentKibibytes(::getpid());
        QVERIFY(run(100));
        const int64_t more = residentKibibytes(worker) - before;
        const int64_t studioMore = residentKibibytes(::getpid()) - studio;
        qInfo("100 jobs: worker %lld KiB more, studio %lld KiB more", static_cast<long long>(more),
              static_cast<long long>(studioMore));
        // AddressSanitizer keeps what is freed for a while.
        const int64_t kMostKibibytes = __asan_init ? 512 << 10 : 8 << 10;
        QVERIFY(more < kMostKibibytes);
        QVERIFY(studioMore < kMostKibibytes);
        QCOMPARE(processIds(*engine).front(), worker);
    }

  private:
    WorkerFixture m_fixture;
};

namespace {

// A studio for leavesWhenTheStudioIsKilled: runs one job, says its worker's process id, and stays.
int beStudio(const char* checkpoint) {
    const WorkerFixture fixture;
    const auto engine = fixture.engine(1);
    Job job;
    pipelines::ImageRequest request = WorkerFixture::redApple(900);
    request.width = request.height = 256;
    engine->submit(request, job.sink(), checkpoint);
    if (!job.waitFor<StepEvent>(2)) return 1;
    const int worker = processIds(*engine).front();
    if (::write(STDOUT_FILENO, &worker, sizeof worker) != sizeof worker) return 1;
    while (true) ::pause();
}

} // namespace

int main(int argc, char** argv) {
    QCoreApplication application(argc, argv);
    if (const char* orphan = std::getenv("KINORA_TEST_ORPHAN")) return beStudio(orphan);
    WorkerDeathTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "worker_death_test.moc"
