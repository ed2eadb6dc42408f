// A picture is made, enlarged, described and verified: the real program, with golden upscalers.

#include "tests/app/cli/program_run.h"

#include <QFile>
#include <QTest>

#include <string>

using namespace kinora::app;

namespace {

const QString kUpscalers = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/upscalers/");

} // namespace

class UpscaleCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        QVERIFY(QDir().mkpath(m_home.path("models/ESRGAN")));
        QVERIFY(QFile::copy(kUpscalers + "compact-x2.safetensors",
                            m_home.path("models/ESRGAN/Sharp.safetensors")));
        const Run run =
            m_home.run({"image", "--prompt", "3d emoji of a red apple", "--steps", "2", "--seed",
                        "3", "--width", "72", "--height", "64", "--output", "small.png"});
        QVERIFY2(run.code == 0, run.err.constData());
    }

    void theLargerPictureSaysHowItWasMade() {
        const Run run = m_home.run({"--models", "models", "--json", "upscale", "small.png",
                                    "--model", "sharp", "--output", "large.png"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.schemaBreach(), QString());
        QCOMPARE(run.event("upscale")["width"].get<int>(), 144);
        QCOMPARE(run.event("upscale")["height"].get<int>(), 128);
        const auto made = m_home.run({"info", "large.png", "--json"}).event("info")["provenance"];
        QCOMPARE(made["request"]["prompt"].get<std::string>(),
                 std::string("3d emoji of a red apple"));
        QCOMPARE(made["upscaled"][0]["name"].get<std::string>(), std::string("Sharp"));
        QVERIFY(made["upscaled"][0]["hash"].get<std::string>().starts_with("sha256:"));
    }

    void verifyMakesBothAgain() {
        const Run same = m_home.run({"--models", "models", "verify", "large.png"});
        QVERIFY2(same.code == 0 && same.out.contains("large.png: same"), same.err.constData());
        const Run elsewhere = m_home.run({"verify", "large.png"});
        QCOMPARE(elsewhere.code, 2);
        QVERIFY(elsewhere.errHas("the upscaler that made it larger, Sharp"));
    }

    // What the format of the smaller picture did to it is enlarged with it.
    void verifyMakesItAgainFromAnyFormat_data() {
        QTest::addColumn<QString>("ending");
        for (const char* ending : {"jpg", "webp", "tiff", "exr", "avif"})
            QTest::newRow(ending) << QString::fromLatin1(ending);
    }
    void verifyMakesItAgainFromAnyFormat() {
        QFETCH(QString, ending);
        const QString small = "from." + ending, large = ending + "-large.png";
        const Run image =
            m_home.run({"image", "--prompt", "3d emoji of a red apple", "--steps", "1", "--seed",
                        "3", "--width", "64", "--height", "64", "--output", small});
        QVERIFY2(image.code == 0, image.err.constData());
        const Run upscale = m_home.run(
            {"--models", "models", "upscale", small, "--model", "sharp", "--output", large});
        QVERIFY2(upscale.code == 0, upscale.err.constData());
        const Run run = m_home.run({"--models", "models", "verify", large});
        QVERIFY2(run.out.contains(": same"), (run.out + run.err).constData());
    }

    void modelsListsIt() {
        const Run run = m_home.run({"--models", "models", "--json", "models"});
        QCOMPARE(run.schemaBreach(), QString());
        const auto files = run.event("models")["companions"];
        QCOMPARE(files.size(), size_t{1});
        QCOMPARE(files[0]["kind"].get<std::string>(), std::string("upscaler"));
        QCOMPARE(files[0]["family"].get<std::string>(), std::string("2x, Real-ESRGAN compact"));
    }

    void inAFolderItIsNamedByWhatItWas() {
        const Run run =
            m_home.run({"upscale", "small.png", "--model", kUpscalers + "real-esrgan-x2.pth",
                        "--output", ".", "--no-metadata"});
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY(QFile::exists(m_home.path("small-2x.png")));
        const Run again = m_home.run({"upscale", "small.png", "--model",
                                      kUpscalers + "real-esrgan-x2.pth", "--output", "."});
        QCOMPARE(again.code, 2);
        QVERIFY(again.errHas("is there already"));
    }

    void inAPatternTheFieldsAreThePictures() {
        const QStringList words{"--models", "models", "upscale", "small.png", "--model", "sharp"};
        const Run run = m_home.run(words + QStringList{"--output", "{seed}_{prompt}_{model}.png"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.out, QByteArray("3_3d_emoji_of_a_red_apple_Sharp.png\n"));
        const Run info = m_home.run({"info", run.out.trimmed()});
        QVERIFY2(info.out.contains("Upscaled") && info.out.contains("2x by Sharp"),
                 info.out.constData());
        QCOMPARE(m_home
                     .run({"--models", "models", "upscale", "small.png", "--model", "sharp",
                           "--no-metadata", "--output", "bare.png"})
                     .code,
                 0);
        const Run bare = m_home.run({"--models", "models", "upscale", "bare.png", "--model",
                                     "sharp", "--output", "{seed}.png"});
        QCOMPARE(bare.code, 2);
        QVERIFY2(bare.errHas("does not say its seed"), bare.err.constData());
    }

    void aTileOutOfRangeIsToldWithTheRange() {
        const Run run = m_home.run({"--models", "models", "upscale", "small.png", "--model",
                                    "sharp", "--output", "tiled.png", "--tile", "7"});
        QCOMPARE(run.code, 2);
        QVERIFY2(run.errHas("--tile") && run.errHas("64 to 2048"), run.err.constData());
    }

    void aDryRunMakesNothing() {
        const QStringList before = m_home.files();
        const Run run =
            m_home.run({"--json", "upscale", "small.png", "--model", kUpscalers + "esrgan-x4.pth",
                        "--output", "dry.png", "--dry-run"});
        QCOMPARE(run.code, 0);
        QCOMPARE(run.schemaBreach(), QString());
        QCOMPARE(run.event("upscalePlan")["width"].get<int>(), 288);
        QCOMPARE(m_home.files(), before);
    }

    void whatIsNoUpscalerIsRefused_data() {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QByteArray>("message");
        QTest::newRow("none") << QString() << QByteArray("an upscaler has to be named");
        QTest::newRow("missing") << QStringLiteral("nothing")
                                 << QByteArray("There is no upscaler 'nothing'");
        QTest::newRow("model") << QStringLiteral(KINORA_SOURCE_DIR
                                                 "/tests/golden/data/tiny-sd1.safetensors")
                               << QByteArray("is no upscaler that is known here");
    }
    void whatIsNoUpscalerIsRefused() {
        QFETCH(QString, model);
        QFETCH(QByteArray, message);
        QStringList words{"upscale", "small.png", "--output", "never.png"};
        if (!model.isEmpty()) words += {"--model", model};
        const Run run = m_home.run(words);
        QVERIFY(run.code == 2 || run.code == 1);
        QVERIFY2(run.errHas(message.constData()), run.err.constData());
        QVERIFY(!QFile::exists(m_home.path("never.png")));
    }

  private:
    Home m_home;
};

QTEST_GUILESS_MAIN(UpscaleCommandTest)
#include "upscale_command_test.moc"
