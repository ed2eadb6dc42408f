// The real engine on the real starter model.
#include "core/engine/in_process_engine.h"
#include "core/media/image_file.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"

#include <QElapsedTimer>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>
#include <QtEndian>
#include <nlohmann/json.hpp>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <sys/stat.h>
#include <vector>

using namespace kinora;
using namespace kinora::core;

namespace {

const std::filesystem::path kModels = std::filesystem::path(KINORA_SOURCE_DIR) / "resources/models";

// Collects a job's events and waits for the last one.
class Listener {
  public:
    EngineSink sink() {
        return [this](const EngineEvent& event) {
            std::lock_guard lock(m_mutex);
            m_events.push_back(event);
            m_changed.notify_all();
        };
    }
    template <typename T> int count() {
        std::lock_guard lock(m_mutex);
        return countLocked<T>();
    }
    template <typename T> std::vector<T> all() {
        std::lock_guard lock(m_mutex);
        std::vector<T> found;
        for (const EngineEvent& event : m_events)
            if (const T* one = std::get_if<T>(&event)) found.push_back(*one);
        return found;
    }
    template <typename T> bool waitFor(int times = 1) {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, std::chrono::seconds(60),
                                  [&] { return countLocked<T>() >= times; });
    }
    bool waitForEnd() {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, std::chrono::seconds(60), [&] {
            return countLocked<FinishedEvent>() + countLocked<FailedEvent>() +
                       countLocked<CancelledEvent>() >
                   0;
        });
    }

  private:
    template <typename T> int countLocked() {
        int found = 0;
        for (const EngineEvent& event : m_events) found += std::holds_alternative<T>(event);
        return found;
    }
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<EngineEvent> m_events;
};

const kernels::BackendTable& planBackend() { // as the program registers it
    static const kernels::BackendTable table = kernels::cpuPlanBackend(kernels::metaBackend());
    return table;
}

pipelines::ImageRequest redApple() {
    pipelines::ImageRequest request;
    request.prompt = "3d emoji of a red apple";
    request.seed = 1;
    request.steps = 4;
    return request;
}

// Overwrites the first bytes of a tensor in a safetensors file.
void overwriteTensor(const std::filesystem::path& file, const std::string& name,
                     const QByteArray& bytes) {
    QFile safetensors(QString::fromStdString(file.string()));
    QVERIFY(safetensors.open(QIODevice::ReadWrite));
    quint64 headerBytes = 0;
    safetensors.read(reinterpret_cast<char*>(&headerBytes), 8);
    const QByteArray header = safetensors.read(static_cast<qint64>(headerBytes));
    const auto json = nlohmann::json::parse(header.begin(), header.end());
    const qint64 offset = json.at(name).at("data_offsets").at(0).get<qint64>();
    safetensors.seek(8 + static_cast<qint64>(headerBytes) + offset);
    QCOMPARE(safetensors.write(bytes), bytes.size());
}

} // namespace

class InProcessEngineTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        m_backends.add(kernels::cpuBackend());
        m_backends.add(planBackend());
        m_library = std::make_unique<ModelLibrary>(
            ModelLibrary::Options{{kModels}, m_folder.path().toStdString()});
        m_engine = std::make_unique<InProcessEngine>(
            m_backends, *m_library,
            InProcessEngine::Options{.threads = 2,
                                     .version = "kinora test",
                                     .dataFolder = m_folder.path().toStdString()});
    }

    void makesAPictureAndSaysHow() {
        Listener job;
        pipelines::ImageRequest request = redApple();
        request.previewEvery = 1;
        m_engine->submit(request, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<FinishedEvent>(), 1);
        QCOMPARE(job.count<PlannedEvent>(), 1);
        QCOMPARE(job.count<StepEvent>(), 4);
        QCOMPARE(job.count<PreviewEvent>(), 3);
        QVERIFY(job.count<LoadingEvent>() > 0);
        const PictureEvent picture = job.all<PictureEvent>().front();
        QCOMPARE(picture.image.width, 128);
        QCOMPARE(picture.image.height, 128);
        QCOMPARE(picture.image.channels, 4);
        QCOMPARE(*picture.provenance.request.seed, 1);
        QCOMPARE(*picture.provenance.request.sampler, std::string("ddim"));
        QCOMPARE(*picture.provenance.request.cfg, 5.0);
        QVERIFY(picture.provenance.modelHash.starts_with("sha256:"));
        QCOMPARE(job.all<StepEvent>().back().step, 4);
        QCOMPARE(job.all<StepEvent>().back().secondsLeft, 0.0);
    }

    // An engine of its own, as each start of the program has.
    std::unique_ptr<InProcessEngine> newEngine(const char* version = "kinora test") {
        return std::make_unique<InProcessEngine>(
            m_backends, *m_library,
            InProcessEngine::Options{
                .threads = 2, .version = version, .dataFolder = m_folder.path().toStdString()});
    }
    std::filesystem::path checkpointPath() const {
        return std::filesystem::path(m_folder.path().toStdString()) / "job.checkpoint";
    }
    // The engine goes as soon as the job has done that many steps.
    void interrupt(const pipelines::ImageRequest& request, Listener& job, int steps) {
        auto engine = newEngine();
        engine->submit(request, job.sink(), checkpointPath());
        QVERIFY(job.waitFor<StepEvent>(steps));
    }
    void finish(const pipelines::ImageRequest& request, Listener& job) {
        auto engine = newEngine();
        engine->submit(request, job.sink(), checkpointPath());
        QVERIFY(job.waitForEnd());
    }

    void goesOnWhereAnEngineLeftAJob() {
        pipelines::ImageRequest request = redApple();
        request.sampler = "dpmpp_2m"; // it remembers earlier steps
        request.steps = 30;
        request.count = 2;
        Listener whole;
        m_engine->submit(request, whole.sink());
        QVERIFY(whole.waitForEnd());
        const auto expected = whole.all<PictureEvent>();
        QCOMPARE(expected.size(), size_t{2});

        for (const int steps : {3, 33}) { // in the first picture, and in the second
            Listener left;
            interrupt(request, left, steps);
            QCOMPARE(left.count<CancelledEvent>(), 1);
            QVERIFY(left.count<StepEvent>() < 60);
            QVERIFY(std::filesystem::exists(checkpointPath()));

            Listener rest;
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
        Listener left;
        interrupt(request, left, 1);
        Listener rest;
        finish(request, rest);
        QCOMPARE(rest.count<ResumedEvent>(), 1);
        QVERIFY(rest.all<ResumedEvent>().front().step > 0);
        QCOMPARE(*rest.all<PlannedEvent>().front().request.seed,
                 *left.all<PlannedEvent>().front().request.seed);
    }

    void beginsAgainWhereTheBytesCouldDifferAndSaysWhy() {
        pipelines::ImageRequest request = redApple();
        request.steps = 100;
        Listener left;
        interrupt(request, left, 1);
        const auto tell = [&](InProcessEngine& engine, const pipelines::ImageRequest& asked) {
            Listener job;
            std::filesystem::copy_file(checkpointPath(), m_folder.filePath("copy").toStdString(),
                                       std::filesystem::copy_options::overwrite_existing);
            const JobId id =
                engine.submit(asked, job.sink(), m_folder.filePath("copy").toStdString());
            job.waitFor<StepEvent>();
            engine.cancel(id);
            job.waitForEnd();
            const auto resumed = job.all<ResumedEvent>();
            if (resumed.size() != 1 || job.all<StepEvent>().front().step != 1) return std::string();
            return resumed.front().fromBeginningBecause;
        };
        QCOMPARE(tell(*newEngine("kinora 9"), request), std::string("it was begun by kinora test"));
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
        Listener left;
        interrupt(request, left, 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));
        Listener running, waiting;
        const JobId id = m_engine->submit(request, running.sink());
        m_engine->cancel(m_engine->submit(request, waiting.sink(), checkpointPath()));
        const bool cleared = !std::filesystem::exists(checkpointPath()); // though it had not begun
        m_engine->cancel(id);
        QVERIFY(running.waitForEnd());
        QVERIFY(cleared);

        Listener again;
        interrupt(request, again, 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));
        Listener cancelled;
        const JobId resumed = m_engine->submit(request, cancelled.sink(), checkpointPath());
        QVERIFY(cancelled.waitFor<StepEvent>());
        m_engine->cancel(resumed);
        QVERIFY(cancelled.waitForEnd());
        QVERIFY(!std::filesystem::exists(checkpointPath()));
    }

    void keepsTheCheckpointOfAJobThatIsInterrupted() {
        pipelines::ImageRequest request = redApple();
        request.steps = 500;
        Listener running;
        const JobId id = m_engine->submit(request, running.sink(), checkpointPath());
        QVERIFY(running.waitFor<StepEvent>(2));
        m_engine->interrupt(id);
        QVERIFY(running.waitForEnd());
        QCOMPARE(running.count<CancelledEvent>(), 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));

        Listener again;
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
        Listener left;
        interrupt(request, left, 1);
        request.model = "no-such-model";
        Listener failed;
        finish(request, failed);
        QCOMPARE(failed.count<FailedEvent>(), 1);
        QVERIFY(std::filesystem::exists(checkpointPath()));
        std::filesystem::remove(checkpointPath());
    }

    void showsAModelOfTwoChannelsAsGrayAndAlpha() {
        pipelines::ImageRequest request = redApple();
        request.model = KINORA_SOURCE_DIR "/tests/golden/data/tiny-odd";
        request.width = request.height = 32;
        Listener job;
        m_engine->submit(request, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<PictureEvent>(), 1);
        const Image image = job.all<PictureEvent>().front().image;
        QCOMPARE(image.channels, 4);
        QCOMPARE(image.pixels.size(), size_t{32 * 32 * 4});
        QCOMPARE(image.pixels[0], image.pixels[2]);
    }

    void givesTheSameBytesAloneAndInABatch() {
        std::vector<std::string> alone;
        for (const int64_t seed : {1, 2, 3}) {
            Listener job;
            pipelines::ImageRequest request = redApple();
            request.seed = seed;
            m_engine->submit(request, job.sink());
            QVERIFY(job.waitForEnd());
            alone.push_back(pixelHash(job.all<PictureEvent>().front().image));
        }
        QVERIFY(alone[0] != alone[1] && alone[1] != alone[2]);
        for (const int64_t batch : {1, 2}) {
            Listener job;
            pipelines::ImageRequest request = redApple();
            request.count = 3;
            request.batch = batch;
            m_engine->submit(request, job.sink());
            QVERIFY(job.waitForEnd());
            const auto pictures = job.all<PictureEvent>();
            QCOMPARE(pictures.size(), size_t{3});
            for (size_t i = 0; i < 3; ++i) {
                QCOMPARE(pixelHash(pictures[i].image), alone[i]);
                QCOMPARE(*pictures[i].provenance.request.seed, static_cast<int64_t>(i + 1));
            }
        }
    }

    void cancelsWhatRunsWithinASecond() {
        Listener job;
        pipelines::ImageRequest request = redApple();
        request.width = request.height = 512;
        request.steps = 500;
        const JobId id = m_engine->submit(request, job.sink());
        QVERIFY(job.waitFor<StepEvent>(2));
        QElapsedTimer timer;
        timer.start();
        m_engine->cancel(id);
        QVERIFY(job.waitForEnd());
        QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
        QCOMPARE(job.count<CancelledEvent>(), 1);
        QCOMPARE(job.count<PictureEvent>(), 0);
    }

    void cancelsWhatWaitsAtOnce() {
        Listener first, second;
        pipelines::ImageRequest request = redApple();
        request.steps = 500;
        const JobId running = m_engine->submit(request, first.sink());
        const JobId waiting = m_engine->submit(request, second.sink());
        m_engine->cancel(waiting);
        QCOMPARE(second.count<CancelledEvent>(), 1);
        QCOMPARE(second.count<PlannedEvent>(), 0);
        m_engine->cancel(running);
        QVERIFY(first.waitForEnd());
    }

    void cancelsEveryJobWhenItGoes() {
        Listener first, second;
        {
            InProcessEngine::Options options;
            options.threads = 2;
            InProcessEngine engine(m_backends, *m_library, options);
            pipelines::ImageRequest request = redApple();
            request.steps = 500;
            engine.submit(request, first.sink());
            engine.submit(request, second.sink());
            QVERIFY(first.waitFor<PlannedEvent>());
        }
        QCOMPARE(first.count<CancelledEvent>(), 1);
        QCOMPARE(second.count<CancelledEvent>(), 1);
    }

    // Start latents of many gigabytes (holes, all of them), whose hash is taken first.
    void cancelsWhileAFileIsHashed() {
        const QString huge = m_folder.filePath("huge.safetensors");
        const qint64 latents = 8 * 16 * 16 * 4, rest = qint64{64} << 30;
        const QByteArray header =
            QStringLiteral(
                R"({"latents":{"dtype":"F32","shape":[1,8,16,16],"data_offsets":[0,%1]},)"
                R"("rest":{"dtype":"U8","shape":[%2],"data_offsets":[%1,%3]}})")
                .arg(latents)
                .arg(rest)
                .arg(latents + rest)
                .toLatin1();
        QByteArray length(8, '\0');
        qToLittleEndian<quint64>(static_cast<quint64>(header.size()), length.data());
        QFile file(huge);
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(length + header) > 0 &&
                file.resize(file.size() + latents + rest));
        pipelines::ImageRequest request = redApple();
        request.latentsPath = huge.toStdString();
        Listener job;
        const JobId id = m_engine->submit(request, job.sink());
        QVERIFY(job.waitFor<PlannedEvent>());
        QTest::qWait(200);
        QElapsedTimer timer;
        timer.start();
        m_engine->cancel(id);
        QVERIFY(job.waitForEnd());
        QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
        QCOMPARE(job.count<CancelledEvent>(), 1);
        QCOMPARE(job.count<LoadingEvent>(), 0);
    }

    // What is free is what the machine says, what the program began with, and the warm model.
    void countsTheWarmModelsMemoryAsFreeUntilItGoes() {
        static const kernels::BackendTable steady = [] {
            kernels::BackendTable table = kernels::cpuBackend();
            table.describe = [](int32_t ordinal, kernels::DeviceDescription* out) {
                const kernels::Status status = kernels::cpuBackend().describe(ordinal, out);
                out->freeMemoryBytes = uint64_t{4} << 30;
                return status;
            };
            return table;
        }();
        kernels::BackendRegistry backends;
        backends.add(steady);
        backends.add(planBackend());
        InProcessEngine::Options options;
        options.threads = 2;
        InProcessEngine engine(backends, *m_library, options);
        const auto available = [&] { return engine.plan(redApple())->availableBytes; };
        const size_t cold = available();
        QVERIFY(cold > size_t{4} << 30);
        Listener first;
        engine.submit(redApple(), first.sink());
        QVERIFY(first.waitForEnd());
        QVERIFY(available() >= cold + engine.plan(redApple())->weightBytes);

        // Another model is loaded beside it, and is given up half-way.
        pipelines::ImageRequest other = redApple();
        other.model = KINORA_SOURCE_DIR "/tests/golden/data/tiny-odd";
        other.width = other.height = 32;
        std::promise<JobId> id;
        std::shared_future<JobId> known = id.get_future().share();
        Listener second;
        id.set_value(
            engine.submit(other, [&engine, known, tell = second.sink()](const EngineEvent& event) {
                tell(event);
                if (std::holds_alternative<LoadingEvent>(event)) engine.cancel(known.get());
            }));
        QVERIFY(second.waitForEnd());
        QCOMPARE(second.count<CancelledEvent>(), 1);
        QCOMPARE(second.count<StepEvent>(), 0);
        QVERIFY(second.all<LoadingEvent>().back().fraction < 1);
        const size_t one = available();
        QVERIFY(one >= cold + engine.plan(redApple())->weightBytes);
        QVERIFY(one < cold + engine.plan(redApple())->peakBytes); // not counted twice
    }

    void letsASinkUseTheEngineAsItGoes() {
        struct LastWord {
            Engine& engine;
            std::promise<void>& said;
            ~LastWord() {
                engine.cancel(0);
                said.set_value();
            }
        };
        std::promise<void> said;
        auto word = std::make_shared<LastWord>(*m_engine, said);
        pipelines::ImageRequest request = redApple();
        request.model = "no-such-model";
        m_engine->submit(request, [word = std::move(word)](const EngineEvent&) {});
        QVERIFY(said.get_future().wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    }

    void stopsAfterThePictureThatRuns() {
        Listener job;
        pipelines::ImageRequest request = redApple();
        request.count = 50;
        const JobId id = m_engine->submit(request, job.sink());
        QVERIFY(job.waitFor<PictureEvent>());
        m_engine->stopAfterThis(id);
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<FinishedEvent>(), 1);
        const int made = job.count<PictureEvent>();
        QVERIFY2(made >= 1 && made < 50, qPrintable(QString::number(made)));
    }

    void aJobThatWaitsStopsAfterItsFirstBatch() {
        Listener first, second;
        pipelines::ImageRequest request = redApple();
        request.count = 3;
        const JobId running = m_engine->submit(request, first.sink());
        const JobId waiting = m_engine->submit(request, second.sink());
        m_engine->stopAfterThis(waiting);
        QVERIFY(second.waitForEnd());
        QVERIFY(running != waiting);
        QCOMPARE(first.count<PictureEvent>(), 3);
        QCOMPARE(second.count<FinishedEvent>(), 1);
        QCOMPARE(second.count<PictureEvent>(), 1);
    }

    void plansWithoutRunning() {
        const auto small = m_engine->plan(redApple());
        QVERIFY(small.ok());
        QVERIFY(small->fits);
        QCOMPARE(small->steps, 4);
        QVERIFY(small->seconds > 0);
        pipelines::ImageRequest larger = redApple();
        larger.width = larger.height = 512;
        const auto large = m_engine->plan(larger);
        QVERIFY(large.ok());
        QVERIFY(large->peakBytes > small->peakBytes);
        QVERIFY(large->secondsPerStep > small->secondsPerStep);
    }

    void plansLearnFromWhatRunsTake() {
        QTemporaryDir folder;
        ModelLibrary library({{kModels}, m_folder.path().toStdString()});
        InProcessEngine::Options options;
        options.threads = 2;
        options.dataFolder = folder.path().toStdString();
        InProcessEngine engine(m_backends, library, options);
        const auto speeds = [&] {
            QFile file(folder.filePath("cache/speeds.json"));
            return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
        };
        const auto plan = engine.plan(redApple());
        QVERIFY(plan.ok());
        const QByteArray measured = speeds();
        QVERIFY(measured.contains("\"matmul\": 1.0"));
        Listener listener;
        engine.submit(redApple(), listener.sink());
        QVERIFY(listener.waitForEnd());
        QVERIFY(speeds() != measured);
        const auto again = engine.plan(redApple());
        QVERIFY(again.ok());
        QVERIFY(again->seconds != plan->seconds);
        QCOMPARE(again->peakBytes, plan->peakBytes); // and nothing else
        QCOMPARE(again->precision, plan->precision);
        QCOMPARE(again->tiling, plan->tiling);
    }

    void refusesWhatCannotFitBeforeItRuns() {
        ModelLibrary library({{kModels}, m_folder.path().toStdString()});
        InProcessEngine::Options options;
        options.threads = 2;
        options.memoryLimitBytes = size_t{2} << 30;
        InProcessEngine engine(m_backends, library, options);
        pipelines::ImageRequest request = redApple();
        request.width = request.height = 2048;
        request.tiling = "off";
        const auto plan = engine.plan(request);
        QVERIFY(plan.ok());
        QVERIFY(!plan->fits);
        QVERIFY2(plan->advice.find("What would fit: ") != std::string::npos, plan->advice.c_str());
        Listener job;
        engine.submit(request, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<FailedEvent>(), 1);
        QCOMPARE(job.all<FailedEvent>().front().error.code(), ErrorCode::DoesNotFit);
        QCOMPARE(job.count<LoadingEvent>(), 0);
    }

    void saysWhatIsWrongWithARequest() {
        pipelines::ImageRequest request = redApple();
        request.model = "no-such-model";
        Listener unknown;
        m_engine->submit(request, unknown.sink());
        QVERIFY(unknown.waitForEnd());
        QCOMPARE(unknown.all<FailedEvent>().front().error.code(), ErrorCode::NotFound);
        request = redApple();
        request.width = 100;
        Listener odd;
        m_engine->submit(request, odd.sink());
        QVERIFY(odd.waitForEnd());
        QCOMPARE(odd.all<FailedEvent>().front().error.code(), ErrorCode::InvalidArgument);
    }

    void refusesStartLatentsThatAreNoFile() {
        const std::string pipe = m_folder.filePath("pipe").toStdString();
        QCOMPARE(mkfifo(pipe.c_str(), 0600), 0); // opened as a file is, it would wait for ever
        pipelines::ImageRequest request = redApple();
        request.latentsPath = pipe;
        Listener job;
        m_engine->submit(request, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.all<FailedEvent>().front().error.code(), ErrorCode::BadFile);
        QCOMPARE(job.count<LoadingEvent>(), 0);
    }

    void startsEachPictureFromItsEntryOfTheLatents() {
        const std::filesystem::path file = m_folder.filePath("start.safetensors").toStdString();
        pipelines::ImageRequest request = redApple();
        request.count = 3;
        request.steps = 1;
        request.saveLatentsPath = file.string();
        Listener saved;
        m_engine->submit(request, saved.sink());
        QVERIFY(saved.waitForEnd());
        request.saveLatentsPath.clear();
        request.latentsPath = file.string();
        Listener all;
        m_engine->submit(request, all.sink());
        QVERIFY(all.waitForEnd());
        const auto pictures = all.all<PictureEvent>();
        QCOMPARE(pictures.size(), size_t{3});
        QCOMPARE(pictures[2].provenance.latentsIndex, 2);
        QVERIFY(pictures[2].provenance.latentsHash.starts_with("sha256:"));
        request.count = 1;
        request.seed = pictures[2].provenance.request.seed;
        request.latentsIndex = pictures[2].provenance.latentsIndex;
        Listener third;
        m_engine->submit(request, third.sink());
        QVERIFY(third.waitForEnd());
        QCOMPARE(pixelHash(third.all<PictureEvent>().front().image), pixelHash(pictures[2].image));
        QVERIFY(pixelHash(pictures[1].image) != pixelHash(pictures[2].image));
        request.latentsIndex = 3;
        Listener beyond;
        m_engine->submit(request, beyond.sink());
        QVERIFY(beyond.waitForEnd());
        QCOMPARE(beyond.all<FailedEvent>().front().error.code(), ErrorCode::BadFile);
    }

    void neverCallsABrokenPictureASuccess_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("tensor");
        QTest::addColumn<QString>("part");
        QTest::newRow("text encoder") << "text_encoder/model.safetensors"
                                      << "final_layer_norm.bias" << "The text encoder";
        QTest::newRow("denoiser") << "unet/diffusion_pytorch_model.safetensors" << "conv_out.bias"
                                  << "The denoiser, in step 1 of 4,";
        QTest::newRow("VAE") << "vae/diffusion_pytorch_model.safetensors"
                             << "decoder.conv_out.bias" << "The VAE";
    }
    void neverCallsABrokenPictureASuccess() {
        QFETCH(QString, file);
        QFETCH(QString, tensor);
        QFETCH(QString, part);
        const QTemporaryDir folder;
        const std::filesystem::path copy = folder.filePath("broken").toStdString();
        std::filesystem::copy(kModels / "starter-image", copy,
                              std::filesystem::copy_options::recursive);
        overwriteTensor(copy / file.toStdString(), tensor.toStdString(),
                        QByteArray("\x00\x7e", 2)); // a half-precision NaN
        pipelines::ImageRequest request = redApple();
        request.model = copy.string();
        request.precision = "f32"; // whatever auto is here
        Listener job;
        m_engine->submit(request, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<PictureEvent>(), 0);
        const Error error = job.all<FailedEvent>().front().error;
        QCOMPARE(error.code(), ErrorCode::NonFinite);
        const std::string begin = part.toStdString() + " gave values that are not numbers";
        QVERIFY2(error.message().starts_with(begin), error.what());
        QVERIFY2(error.message().find("f32") != std::string::npos, error.what());
        QVERIFY(!error.advice().empty());
    }

  private:
    QTemporaryDir m_folder;
    kernels::BackendRegistry m_backends;
    std::unique_ptr<ModelLibrary> m_library;
    std::unique_ptr<InProcessEngine> m_engine;
};

QTEST_GUILESS_MAIN(InProcessEngineTest)
#include "in_process_engine_test.moc"
