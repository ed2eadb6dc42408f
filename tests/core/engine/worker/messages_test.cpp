#include "core/engine/worker/messages.h"
#include "core/media/image_file.h"
#include "kernels/base/utf8.h"
#include "pipelines/request/parameters.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

using namespace kinora;
using namespace kinora::core;

namespace {

pipelines::ImageRequest request() {
    pipelines::ImageRequest request;
    request.prompt = "a \"quoted\" füchslein\n";
    request.seed = INT64_MAX; // beyond what a double holds
    request.cfg = 7.25;
    request.precision = "f32";
    return request;
}

pipelines::Plan plan() {
    pipelines::Plan plan;
    plan.device = "cpu";
    plan.deviceName = "A processor";
    plan.threads = 3;
    plan.precision = "bf16";
    plan.batch = 2;
    plan.tiling = "none";
    plan.preview = "tiny";
    plan.width = 640;
    plan.height = 384;
    plan.steps = 20;
    plan.count = 4;
    plan.seconds = 12.5;
    plan.secondsPerStep = 0.5;
    plan.weightBytes = size_t{7} << 30;
    plan.peakBytes = size_t{9} << 30;
    plan.availableBytes = size_t{8} << 30;
    plan.fits = false;
    plan.advice = "Use 512 x 384.";
    plan.warnings = {"One.", "Two."};
    return plan;
}

// Over the wire and back.
template <typename T>
Result<EngineEvent> sent(const T& event, std::span<const std::byte> box = {}) {
    wire::Event message;
    message.ParseFromString(toMessage(EngineEvent(event)).SerializeAsString());
    if (wire::Pixels* pixels = pixelsOf(message)) {
        pixels->set_width(2);
        pixels->set_height(1);
        pixels->set_channels(3);
    }
    return eventFromMessage(message, box);
}

template <typename T> T received(const T& event, std::span<const std::byte> box = {}) {
    const Result<EngineEvent> got = sent(event, box);
    return std::get<T>(*got);
}

} // namespace

class MessagesTest : public QObject {
    Q_OBJECT

  private slots:
    void plansArriveAsTheyAre() {
        const PlannedEvent planned = received(PlannedEvent{plan(), request()});
        QVERIFY(pipelines::toJson(planned.plan) == pipelines::toJson(plan()));
        QVERIFY(planned.plan.warnings == plan().warnings);
        QVERIFY(pipelines::toJson(planned.request) == pipelines::toJson(request()));
    }

    void valuesArriveAsTheyAre() {
        const ResumedEvent resumed =
            received(ResumedEvent{"worker 2 was killed", 3, 4, "it was begun by another"});
        QCOMPARE(resumed.interruption, std::string("worker 2 was killed"));
        QCOMPARE(resumed.picture, 3);
        QCOMPARE(resumed.step, 4);
        QCOMPARE(resumed.fromBeginningBecause, std::string("it was begun by another"));
        const LoadingEvent loading = received(LoadingEvent{"VAE", 0.75});
        QCOMPARE(loading.component, std::string("VAE"));
        QCOMPARE(loading.fraction, 0.75);
        const StepEvent step = received(StepEvent{1, 2, 3, 4, 0.5, 6.5, 7, 8});
        QVERIFY(step.picture == 1 && step.pictures == 2 && step.step == 3 && step.steps == 4);
        QVERIFY(step.secondsPerStep == 0.5 && step.secondsLeft == 6.5);
        QVERIFY(step.done == 7 && step.all == 8 && step.fraction() == 7.0 / 8);
        const FinishedEvent finished = received(FinishedEvent{3.5, 2.5, 77});
        QVERIFY(finished.seconds == 3.5 && finished.denoiseSeconds == 2.5);
        QCOMPARE(finished.peakBytes, uint64_t{77});
        const FailedEvent failed =
            received(FailedEvent{Error(ErrorCode::DiskFull, "No room.", "Make it.")});
        const Error& error = failed.error;
        QCOMPARE(error.code(), ErrorCode::DiskFull);
        QCOMPARE(error.message(), std::string("No room."));
        QCOMPARE(error.advice(), std::string("Make it."));
        QVERIFY(sent(CancelledEvent{}).ok());
    }

    void picturesComeOutOfTheSharedMemory() {
        const std::vector<float> pixels{0, 0.25f, 0.5f, 0.75f, 1, 0.125f};
        PictureEvent event;
        event.picture = 5;
        event.provenance.request = request();
        event.provenance.modelName = "starter-image";
        event.provenance.modelHash = "sha256:" + std::string(64, '0');
        event.provenance.engineVersion = "kinora 1";
        event.provenance.device = "A processor";
        event.provenance.precision = "f32";
        event.provenance.threads = 2;
        const PictureEvent got = received(event, std::as_bytes(std::span(pixels)));
        QCOMPARE(got.picture, 5);
        QVERIFY(got.image.width == 2 && got.image.height == 1 && got.image.channels == 3);
        QVERIFY(got.image.pixels == pixels);
        QVERIFY(toJson(got.provenance) == toJson(event.provenance));
        QCOMPARE(got.provenance.request.precision, std::string("f32"));
        QCOMPARE(received(PreviewEvent{1, {}}, std::as_bytes(std::span(pixels))).picture, 1);
        QVERIFY(!sent(event, std::as_bytes(std::span(pixels)).first(23))); // a byte too few
    }

    void textThatIsNoTextIsMended() {
        const Error error =
            received(FailedEvent{Error(ErrorCode::BadFile, "model\xff.bin: broken")}).error;
        QVERIFY(isValidUtf8(error.message()));
        pipelines::ImageRequest broken = request();
        broken.prompt = "\xff";
        QVERIFY_EXCEPTION_THROWN(requestText(broken), Error);
    }

    void refusesWhatCannotBe_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("field");
        const auto row = [](const char* name, const wire::Event& event, const char* field) {
            const std::string bytes = event.SerializeAsString();
            QTest::newRow(name) << QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size()))
                                << QString::fromLatin1(field);
        };
        row("empty", {}, "kind");
        wire::Event event;
        event.mutable_step()->set_step(-1);
        row("negative step", event, "step.step");
        event.mutable_step()->set_step(1);
        event.mutable_step()->set_seconds_left(std::nan(""));
        row("no number", event, "step.seconds_left");
        event.mutable_loading()->set_fraction(1.5);
        row("more than all", event, "loading.fraction");
        event.mutable_failed()->set_code("no-such-code");
        event.mutable_failed()->set_message("x");
        row("code", event, "failure.code");
        event.mutable_planned()->set_request("{\"seed\": 1");
        row("JSON", event, "request");
        event.mutable_planned()->set_request(std::string(1000, '['));
        row("deep JSON", event, "request");
        event.mutable_preview()->mutable_pixels()->set_width(65536);
        event.mutable_preview()->mutable_pixels()->set_height(65536);
        event.mutable_preview()->mutable_pixels()->set_channels(4);
        row("huge pixels", event, "pixels");
        event.mutable_preview()->mutable_pixels()->set_width(-1);
        row("negative pixels", event, "pixels");
        event.mutable_finished()->set_seconds(std::numeric_limits<double>::infinity());
        row("for ever", event, "finished.seconds");
    }

    void refusesWhatCannotBe() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, field);
        wire::Event event;
        QVERIFY(event.ParseFromString(bytes.toStdString()));
        const std::vector<std::byte> box(1024);
        const Result<EngineEvent> got = eventFromMessage(event, box);
        QVERIFY(!got);
        QCOMPARE(got.error().code(), ErrorCode::BadFile);
        QVERIFY2(got.error().message().find(field.toStdString()) != std::string::npos,
                 got.error().what());
    }

    void requestsAreChecked() {
        QCOMPARE(requestFromText("{\"steps\": 0}").error().code(), ErrorCode::InvalidArgument);
        QCOMPARE(requestFromText("{\"nothing\": 0}").error().code(), ErrorCode::InvalidArgument);
        QCOMPARE(requestFromText("[").error().code(), ErrorCode::BadFile);
        QCOMPARE(*requestFromText(requestText(request()))->seed, INT64_MAX);
        wire::PlanReply none;
        QVERIFY(!planFromMessage(none));
    }
};

QTEST_GUILESS_MAIN(MessagesTest)
#include "messages_test.moc"
