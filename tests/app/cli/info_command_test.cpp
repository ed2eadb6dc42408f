#include "tests/app/cli/program_run.h"

#include <QTest>

using namespace kinora::app;

namespace {

const QString kStarter = QStringLiteral(KINORA_SOURCE_DIR "/resources/models/starter-image");

void write(const Home& home, const QString& name, const QByteArray& bytes) {
    QFile file(home.path(name));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(bytes);
}

} // namespace

class InfoCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void tellsHowAPictureWasMade() {
        const Home home;
        QCOMPARE(home.run({"image", "--prompt", "a \x1b fox", "--negative", "blur", "--steps", "1",
                           "--seed", "9", "--output", "a.png"})
                     .code,
                 0);
        const Run text = home.run({"info", "a.png"});
        QVERIFY2(text.code == 0, text.err.constData());
        for (const char* part : {"128 x 128", "Kinora", "fox", "blur", "9"})
            QVERIFY2(text.out.contains(part), text.out.constData());
        QVERIFY(!text.out.contains('\x1b'));
        const Run json = home.run({"info", "a.png", "--json"});
        QCOMPARE(json.schemaBreach(), QString());
        const auto info = json.event("info");
        QCOMPARE(info["kind"].get<std::string>(), std::string("picture"));
        QCOMPARE(info["request"]["seed"].get<int>(), 9);
        QCOMPARE(info["request"]["steps"].get<int>(), 1);
    }

    void tellsOfAModelFolder() {
        const Home home;
        const Run json = home.run({"info", kStarter, "--json"});
        QVERIFY2(json.code == 0, json.err.constData());
        QCOMPARE(json.schemaBreach(), QString());
        QCOMPARE(json.event("info")["kind"].get<std::string>(), std::string("model"));
        QCOMPARE(json.event("info")["model"]["name"].get<std::string>(),
                 std::string("starter-image"));
        QVERIFY(home.run({"info", kStarter}).out.contains("StableDiffusionPipeline"));
    }

    void tellsOfWeights() {
        const Home home;
        const QString file = kStarter + "/unet/diffusion_pytorch_model.safetensors";
        const Run json = home.run({"info", file, "--json"});
        QVERIFY2(json.code == 0, json.err.constData());
        QCOMPARE(json.schemaBreach(), QString());
        const auto info = json.event("info");
        QCOMPARE(info["architecture"].get<std::string>(), std::string("UNet2DConditionModel"));
        QVERIFY(info["parameters"].get<int64_t>() > 1'000'000);
        QVERIFY(info["tensors"].size() > 100);
        QVERIFY(home.run({"info", file}).out.contains("conv_in.weight"));
    }

    void refusesWhatItDoesNotKnow_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("name");
        QTest::newRow("empty") << QByteArray() << "x.png";
        QTest::newRow("text") << QByteArray("hello") << "x.txt";
        QTest::newRow("not png") << QByteArray("hello") << "x.png";
        QTest::newRow("cut png") << QByteArray("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16) << "x.png";
        QTest::newRow("short weights") << QByteArray("abc") << "x.safetensors";
        QTest::newRow("long header")
            << QByteArray("\xff\xff\xff\xff\0\0\0\0{}", 10) << "x.safetensors";
        QTest::newRow("bad header") << QByteArray("\2\0\0\0\0\0\0\0{]", 10) << "x.safetensors";
    }
    void refusesWhatItDoesNotKnow() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, name);
        const Home home;
        write(home, name, bytes);
        const Run run = home.run({"info", name});
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(name.toUtf8()), run.err.constData());
        QCOMPARE(run.out, QByteArray());
    }

    void refusesDevicesFoldersAndNothing() {
        const Home home;
        for (const char* name : {"/dev/zero", "/dev", "nothing.png", "/dev/null"}) {
            const Run run = home.run({"info", name});
            QCOMPARE(run.code, 2);
            QVERIFY2(run.err.contains(name), run.err.constData());
        }
    }
};

QTEST_GUILESS_MAIN(InfoCommandTest)
#include "info_command_test.moc"
