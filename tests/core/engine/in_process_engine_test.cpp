// The real engine on the real starter model.
#include "tests/core/engine/engine_fixture.h"
#include "tests/core/engine/job_events.h"

#include <QElapsedTimer>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>
#include <QtEndian>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

using namespace kinora;
using namespace kinora::core;

namespace {

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
    void initTestCase() { m_engine = m_fixture.newEngine(); }

    void makesAPictureAndSaysHow() {
        Job job;
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

    void showsAModelOfTwoChannelsAsGrayAndAlpha() {
        pipelines::ImageRequest request = redApple();
        request.model = KINORA_SOURCE_DIR "/tests/golden/data/tiny-odd";
        request.width = request.height = 32;
        Job job;
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
            Job job;
            pipelines::ImageRequest request = redApple();
            request.seed = seed;
            m_engine->submit(request, job.sink());
            QVERIFY(job.waitForEnd());
            alone.push_back(pixelHash(job.all<PictureEvent>().front().image));
        }
        QVERIFY(alone[0] != alone[1] && alone[1] != alone[2]);
        for (const int64_t batch : {1, 2}) {
            Job job;
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
        Job job;
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
        Job first, second;
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
        Job first, second;
        {
            InProcessEngine::Options options;
            options.threads = 2;
            InProcessEngine engine(m_fixture.backends(), m_fixture.library(), options);
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
        const std::filesystem::path huge = m_fixture.folder() / "huge.safetensors";
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
        QFile file(QString::fromStdString(huge.string()));
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(length + header) > 0 &&
                file.resize(file.size() + latents + rest));
        pipelines::ImageRequest request = redApple();
        request.latentsPath = huge.string();
        Job job;
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
        InProcessEngine engine(backends, m_fixture.library(), options);
        const auto available = [&] { return engine.plan(redApple())->availableBytes; };
        const size_t cold = available();
        QVERIFY(cold > size_t{4} << 30);
        Job first;
        engine.submit(redApple(), first.sink());
        QVERIFY(first.waitForEnd());
        QVERIFY(available() >= cold + engine.plan(redApple())->weightBytes);

        // Another model is loaded beside it, and is given up half-way.
        pipelines::ImageRequest other = redApple();
        other.model = KINORA_SOURCE_DIR "/tests/golden/data/tiny-odd";
        other.width = other.height = 32;
        std::promise<JobId> id;
        std::shared_future<JobId> known = id.get_future().share();
        Job second;
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
        Job job;
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
        Job first, second;
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
        ModelLibrary library({{EngineFixture::models()}, m_fixture.folder().string()});
        InProcessEngine::Options options;
        options.threads = 2;
        options.dataFolder = folder.path().toStdString();
        InProcessEngine engine(m_fixture.backends(), library, options);
        const auto speeds = [&] {
            QFile file(folder.filePath("cache/speeds.json"));
            return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
        };
        const auto plan = engine.plan(redApple());
        QVERIFY(plan.ok());
        const QByteArray measured = speeds();
        QVERIFY(measured.contains("\"matmul\": 1.0"));
        Job job;
        engine.submit(redApple(), job.sink());
        QVERIFY(job.waitForEnd());
        QVERIFY(speeds() != measured);
        const auto again = engine.plan(redApple());
        QVERIFY(again.ok());
        QVERIFY(again->seconds != plan->seconds);
        QCOMPARE(again->peakBytes, plan->peakBytes); // and nothing else
        QCOMPARE(again->precision, plan->precision);
        QCOMPARE(again->tiling, plan->tiling);
    }

    void refusesWhatCannotFitBeforeItRuns() {
        ModelLibrary library({{EngineFixture::models()}, m_fixture.folder().string()});
        InProcessEngine::Options options;
        options.threads = 2;
        options.memoryLimitBytes = size_t{2} << 30;
        InProcessEngine engine(m_fixture.backends(), library, options);
        pipelines::ImageRequest request = redApple();
        request.width = request.height = 2048;
        request.tiling = "off";
        const auto plan = engine.plan(request);
        QVERIFY(plan.ok());
        QVERIFY(!plan->fits);
        QVERIFY2(plan->advice.find("What would fit: ") != std::string::npos, plan->advice.c_str());
        Job job;
        engine.submit(request, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.count<FailedEvent>(), 1);
        QCOMPARE(job.all<FailedEvent>().front().error.code(), ErrorCode::DoesNotFit);
        QCOMPARE(job.count<LoadingEvent>(), 0);
    }

    void saysWhatIsWrongWithARequest() {
        pipelines::ImageRequest request = redApple();
        request.model = "no-such-model";
        Job unknown;
        m_engine->submit(request, unknown.sink());
        QVERIFY(unknown.waitForEnd());
        QCOMPARE(unknown.all<FailedEvent>().front().error.code(), ErrorCode::NotFound);
        request = redApple();
        request.width = 100;
        Job odd;
        m_engine->submit(request, odd.sink());
        QVERIFY(odd.waitForEnd());
        QCOMPARE(odd.all<FailedEvent>().front().error.code(), ErrorCode::InvalidArgument);
    }

    void refusesStartLatentsThatAreNoFile() {
        const std::string pipe = (m_fixture.folder() / "pipe").string();
        QCOMPARE(mkfifo(pipe.c_str(), 0600), 0); // opened as a file is, it would wait for ever
        pipelines::ImageRequest request = redApple();
        request.latentsPath = pipe;
        Job job;
        m_engine->submit(request, job.sink());
        QVERIFY(job.waitForEnd());
        QCOMPARE(job.all<FailedEvent>().front().error.code(), ErrorCode::BadFile);
        QCOMPARE(job.count<LoadingEvent>(), 0);
    }

    void startsEachPictureFromItsEntryOfTheLatents() {
        const std::filesystem::path file = m_fixture.folder() / "start.safetensors";
        pipelines::ImageRequest request = redApple();
        request.count = 3;
        request.steps = 1;
        request.saveLatentsPath = file.string();
        Job saved;
        m_engine->submit(request, saved.sink());
        QVERIFY(saved.waitForEnd());
        request.saveLatentsPath.clear();
        request.latentsPath = file.string();
        Job all;
        m_engine->submit(request, all.sink());
        QVERIFY(all.waitForEnd());
        const auto pictures = all.all<PictureEvent>();
        QCOMPARE(pictures.size(), size_t{3});
        QCOMPARE(pictures[2].provenance.latentsIndex, 2);
        QVERIFY(pictures[2].provenance.latentsHash.starts_with("sha256:"));
        request.count = 1;
        request.seed = pictures[2].provenance.request.seed;
        request.latentsIndex = pictures[2].provenance.latentsIndex;
        Job third;
        m_engine->submit(request, third.sink());
        QVERIFY(third.waitForEnd());
        QCOMPARE(pixelHash(third.all<PictureEvent>().front().image), pixelHash(pictures[2].image));
        QVERIFY(pixelHash(pictures[1].image) != pixelHash(pictures[2].image));
        request.latentsIndex = 3;
        Job beyond;
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
        std::filesystem::copy(EngineFixture::models() / "starter-image", copy,
                              std::filesystem::copy_options::recursive);
        overwriteTensor(copy / file.toStdString(), tensor.toStdString(),
                        QByteArray("\x00\x7e", 2)); // a half-precision NaN
        pipelines::ImageRequest request = redApple();
        request.model = copy.string();
        request.precision = "f32"; // whatever auto is here
        Job job;
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
    EngineFixture m_fixture;
    std::unique_ptr<InProcessEngine> m_engine;
};

QTEST_GUILESS_MAIN(InProcessEngineTest)
#include "in_process_engine_test.moc"
