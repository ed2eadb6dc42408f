// A picture beside the prompt, from the shell to verify: the real program, with golden adapters.

#include "tests/app/cli/program_run.h"

#include <QFile>
#include <QTest>

using namespace kinora::app;

namespace {

const QString kGolden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");
const QString kAdapters = kGolden + QStringLiteral("ip_adapters/");

QStringList image(const QString& output, const QStringList& more) {
    return QStringList{
               "image",  "--model", kGolden + "tiny-sd1", "--prompt", "a red apple", "--steps", "2",
               "--seed", "3",       "--precision",        "f32",      "--output",    output} +
           more;
}

} // namespace

class IpAdapterCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        QVERIFY(QDir().mkpath(m_home.path("models/ipadapter/image_encoder")));
        for (const char* name :
             {"base.safetensors", "image_encoder/model.safetensors", "image_encoder/config.json"})
            QVERIFY(QFile::copy(kAdapters + name, m_home.path("models/ipadapter/") + name));
        const auto with = [&](const char* name, const QStringList& more) {
            const Run run = m_home.run(QStringList{"--models", "models"} + image(name, more));
            QVERIFY2(run.code == 0, run.err.constData());
        };
        with("plain.png", {});
        with("wide.png", {"--ip-adapter", "base:" + kAdapters + "wide.png"});
        with("high.png", {"--ip-adapter", "base:" + kAdapters + "high.png:0.8"});
        with("none.png", {"--ip-adapter", "base:" + kAdapters + "wide.png:0"});
    }

    void thePictureAndItsWeightCount() {
        QVERIFY(bytes("wide.png") != bytes("high.png"));
        QVERIFY(hash("wide.png") != hash("plain.png"));
        QCOMPARE(hash("none.png"), hash("plain.png"));
    }

    void metadataNameNoPathsAndVerifyMakesItAgain() {
        const auto made = m_home.run({"info", "wide.png", "--json"}).event("info")["provenance"];
        QCOMPARE(QByteArray::fromStdString(made["request"]["ipAdapter"][0].get<std::string>()),
                 QByteArray("base:wide:1"));
        QCOMPARE(made["request"]["imageEncoder"].get<std::string>(), std::string("image_encoder"));
        QCOMPARE(made["files"].size(), size_t{3});
        const QStringList verify{"--models", "models", "--models", kGolden, "verify", "wide.png"};
        const Run without = m_home.run(verify);
        QCOMPARE(without.code, 2);
        QVERIFY2(without.errHas("it looked at the picture wide"), without.err.constData());
        const Run again = m_home.run(verify + QStringList{"--input", kAdapters + "wide.png"});
        QVERIFY2(again.code == 0 && again.out.contains("wide.png: same"), again.err.constData());
    }

    void whatDoesNotFitIsRefused_data() {
        QTest::addColumn<QString>("value");
        QTest::addColumn<QByteArray>("message");
        QTest::newRow("no picture") << QStringLiteral("base") << QByteArray("ADAPTER:PICTURE");
        QTest::newRow("missing picture")
            << QStringLiteral("base:nothing.png") << QByteArray("there is no such picture");
        QTest::newRow("missing adapter") << "nothing:" + kAdapters + "wide.png"
                                         << QByteArray("There is no IP-Adapter 'nothing'");
        QTest::newRow("other family") << kAdapters + "xl-base.safetensors:" + kAdapters + "wide.png"
                                      << QByteArray("was made for another kind of model");
        QTest::newRow("no adapter") << kGolden + "tiny-sd1.safetensors:" + kAdapters + "wide.png"
                                    << QByteArray("is no IP-Adapter");
    }
    void whatDoesNotFitIsRefused() {
        QFETCH(QString, value);
        QFETCH(QByteArray, message);
        const Run run = m_home.run(QStringList{"--models", "models"} +
                                   image("never.png", {"--ip-adapter", value}));
        QVERIFY(run.code == 1 || run.code == 2);
        QVERIFY2(run.errHas(message.constData()), run.err.constData());
        QVERIFY(!QFile::exists(m_home.path("never.png")));
    }

    void modelsListsIt() {
        const auto files =
            m_home.run({"--models", "models", "--json", "models"}).event("models")["companions"];
        QCOMPARE(files.size(), size_t{1});
        QCOMPARE(files[0]["kind"].get<std::string>(), std::string("IP-Adapter"));
    }

  private:
    QByteArray bytes(const char* name) const {
        QFile file(m_home.path(name));
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }
    std::string hash(const char* name) const {
        return m_home.run({"info", name, "--json"})
            .event("info")["provenance"]["outputHash"]
            .get<std::string>();
    }
    Home m_home;
};

QTEST_GUILESS_MAIN(IpAdapterCommandTest)
#include "ip_adapter_command_test.moc"
