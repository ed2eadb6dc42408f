#include "app/cli/event_json.h"
#include "core/media/image_file.h"
#include "tests/app/cli/event_schema.h"

#include <QTemporaryDir>
#include <QTest>

using namespace kinora;
using namespace kinora::app;

namespace {

const std::string kHash = "sha256:" + std::string(64, 'a');

std::string check(const nlohmann::ordered_json& event) {
    return eventDisagreement(event.dump());
}

} // namespace

class EventJsonTest : public QObject {
    Q_OBJECT

  private slots:
    void eventsAgreeWithTheSchema() {
        pipelines::Plan plan;
        plan.device = "cpu";
        plan.peakBytes = size_t{1} << 40;
        QCOMPARE(check(planJson(plan)), std::string());
        QCOMPARE(check(loadingJson({"VAE", 0.5})), std::string());
        QCOMPARE(check(stepJson({0, 1, 3, 20, 0.1, 1.7})), std::string());
        core::ModelEntry model;
        model.defaults.steps = 24;
        nlohmann::ordered_json models = {
            {"event", "models"}, {"models", nlohmann::ordered_json::array({modelJson(model)})}};
        QCOMPARE(check(models), std::string());
        QCOMPARE(models["models"][0]["defaults"]["steps"].get<int>(), 24);
    }

    void resultsKeepWholeSeeds() {
        core::PictureEvent picture;
        picture.image.width = 128;
        picture.image.height = 64;
        picture.provenance.request.seed = 9223372036854775807LL;
        picture.provenance.modelHash = kHash;
        const auto event =
            resultJson(picture, {.file = "a.png", .sha256 = kHash, .seconds = 1.5, .peakBytes = 1});
        QCOMPARE(check(event), std::string());
        QVERIFY(event.dump().find("9223372036854775807") != std::string::npos);
        QCOMPARE(event["height"].get<int>(), 64);
    }

    // Whatever its name says that it is.
    void hashesAreOfWhatIsInTheFile() {
        const QTemporaryDir folder;
        core::Image image;
        image.width = image.height = 8;
        image.channels = 3;
        for (int i = 0; i < 8 * 8 * 3; ++i)
            image.pixels.push_back(static_cast<float>(i * 37 % 251) / 255);
        const std::filesystem::path file = folder.filePath("a.png").toStdString();
        core::SaveOptions options;
        options.format = core::ImageFormat::Jpeg;
        QVERIFY(core::saveImage(image, file, options));
        const Result<core::Image> stored = core::loadImage(file);
        QVERIFY(stored);
        QVERIFY(core::pixelHash(*stored) != core::pixelHash(image));
        QCOMPARE(storedHash(image, file), core::pixelHash(*stored));
        options = {
            .format = core::ImageFormat::Png, .overwrite = core::Overwrite::Yes, .provenance = {}};
        QVERIFY(core::saveImage(image, file, options));
        QCOMPARE(storedHash(image, file), core::pixelHash(image));
    }

    void theSchemaCanDisagree() {
        QVERIFY(!eventDisagreement(R"({"event":"preview"})").empty());
        QVERIFY(!eventDisagreement(R"({"event":"preview","file":3})").empty());
        QVERIFY(!eventDisagreement(R"({"event":"preview","file":"a","more":1})").empty());
        QVERIFY(!eventDisagreement(R"({"event":"nothing"})").empty());
        QVERIFY(!eventDisagreement("{").empty());
        QVERIFY(eventDisagreement(R"({"event":"preview","file":"a"})").empty());
    }

    void plansReadAsText() {
        pipelines::Plan plan;
        plan.device = "cpu";
        plan.deviceName = "Some CPU";
        plan.width = plan.height = 128;
        plan.steps = 20;
        plan.secondsPerStep = 0.0834;
        plan.peakBytes = 300 << 20;
        const std::string text = planText(plan);
        for (const char* part : {"cpu: Some CPU", "1 of 128 x 128, 20 steps", "83 ms", "300 MiB"})
            QVERIFY2(text.find(part) != std::string::npos, text.c_str());
    }

    void howAJobGoesOnIsASentence() {
        QCOMPARE(resumedText({"worker 2 was killed (signal 9)", 0, 12, {}}),
                 std::string("goes on from step 12: worker 2 was killed (signal 9)."));
        QCOMPARE(resumedText({"the program was closed", 1, 0, {}}),
                 std::string("goes on from step 0: the program was closed."));
        QCOMPARE(resumedText({"worker 2 was killed (signal 9)", 0, 0, {}}),
                 std::string("begins again: worker 2 was killed (signal 9)."));
        QCOMPARE(resumedText({"the program was closed", 0, 3, "it was begun by kinora 0.1.0."}),
                 std::string("begins again: it was begun by kinora 0.1.0."));
    }
};

QTEST_GUILESS_MAIN(EventJsonTest)
#include "event_json_test.moc"
