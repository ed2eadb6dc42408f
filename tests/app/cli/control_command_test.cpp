// Pictures that a ControlNet or a T2I-Adapter steers, from the shell to verify, through the queue
// and from a project: the real program on the tiny golden nets.

#include "tests/app/cli/program_run.h"

#include <QDir>
#include <QFile>
#include <QTest>

#include <string>

using namespace kinora::app;

namespace {

const QString kGolden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");
const QString kNets = kGolden + "control/nets/";
const QStringList kSteered = {"--control",        "edges", "--control-image", "guide.png",
                              "--control-weight", "0.8"};

void copy(const QString& from, const QString& to) {
    QVERIFY(QDir().mkpath(QFileInfo(to).path()));
    QVERIFY(QFile::copy(from, to));
}

void write(const QString& path, const QByteArray& text) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly) && file.write(text) == text.size());
}

} // namespace

class ControlCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        copy(kNets + "control-sd1.safetensors", m_home.path("models/ControlNet/edges.safetensors"));
        copy(kNets + "adapter-sd1.safetensors",
             m_home.path("models/t2i_adapter/sketch.safetensors"));
        copy(QStringLiteral(KINORA_SOURCE_DIR "/docs/screenshots/result-dark-1x.png"),
             m_home.path("guide.png"));
        for (const auto& [output, options] :
             {std::pair{"plain.png", QStringList{}},
              {"steered.png", kSteered},
              {"never.png", kSteered + QStringList{"--control-range", "0:0.1"}},
              {"canny.png", kSteered + QStringList{"--control-prepare", "canny"}},
              {"adapter.png", QStringList{"--adapter", "sketch", "--adapter-image", "guide.png"}}})
            make(output, options);
    }

    void changesThePicture() {
        QCOMPARE(pixels("never.png"), pixels("plain.png"));
        QVERIFY(pixels("steered.png") != pixels("plain.png"));
        QVERIFY(pixels("canny.png") != pixels("steered.png"));
        QVERIFY(pixels("adapter.png") != pixels("plain.png"));
    }

    void isNamedInThePictureWithoutAPath() {
        const auto made = provenance("canny.png");
        QCOMPARE(made["request"]["control"][0].get<std::string>(), std::string("edges:0.8"));
        QCOMPARE(made["request"]["controlPrepare"][0].get<std::string>(), std::string("canny"));
        QVERIFY(!made["request"].contains("controlImage"));
        QVERIFY(made["controlHashes"][0].get<std::string>().starts_with("sha256:"));
        QCOMPARE(made["files"][0]["name"].get<std::string>(), std::string("edges"));
        QVERIFY(provenance("adapter.png").contains("adapterHashes"));
    }

    void isMadeAgainByVerify() {
        const Run without = run({"verify", "steered.png"});
        QCOMPARE(without.code, 2);
        QVERIFY2(without.errHas("it followed a picture; give the one of hash sha256:"),
                 without.err.constData());
        const Run again =
            run({"verify", "steered.png", "canny.png", "adapter.png", "--input", "guide.png"});
        QCOMPARE(again.out, QByteArray("steered.png: same\ncanny.png: same\nadapter.png: same\n"));
    }

    void waitsInTheQueue() {
        const Run added =
            run(QStringList{"queue", "add", "--output", "queued.png"} + options() + kSteered);
        QVERIFY2(added.code == 0, added.err.constData());
        const Run worked = run({"queue", "run"});
        QVERIFY2(worked.code == 0, worked.err.constData());
        QCOMPARE(pixels("queued.png"), pixels("steered.png"));
    }

    void isRenderedFromAProject() {
        write(m_home.path("t.csv"),
              "prompt,steps,seed,width,height,precision,control,control-image\n"
              "a red apple,3,3,64,64,f32,edges:0.8,guide.png\n");
        const Run batch =
            run({"project", "batch", "t.csv", "--output", "p.kinora", "--set", "model=tiny-sd1"});
        QVERIFY2(batch.code == 0, batch.err.constData());
        const Run rendered = run({"render", "p.kinora", "--json"});
        QVERIFY2(rendered.code == 0, rendered.err.constData());
        QCOMPARE(QString::fromStdString(rendered.event("result")["sha256"].get<std::string>()),
                 pixels("steered.png"));
        QVERIFY(QFile::remove(m_home.path("p.history"))); // known by what the picture says
        QCOMPARE(run({"render", "p.kinora", "--json"}).event("render")["present"].get<int>(), 1);
    }

    void isListed() {
        const Run listed = run({"models", "--json"});
        QCOMPARE(listed.schemaBreach(), QString());
        const auto files = listed.event("models")["companions"];
        QCOMPARE(files.size(), size_t{2});
        QCOMPARE(files[0]["name"].get<std::string>(), std::string("edges"));
        QCOMPARE(files[0]["kind"].get<std::string>(), std::string("ControlNet"));
        QCOMPARE(files[1]["kind"].get<std::string>(), std::string("T2I-Adapter"));
        QVERIFY(run({"info", "models/ControlNet/edges.safetensors"}).out.contains("ControlNet"));
        QVERIFY(run({"info", "models/t2i_adapter/sketch.safetensors"}).out.contains("T2I-Adapter"));
    }

    void refuses_data() {
        QTest::addColumn<QStringList>("more");
        QTest::addColumn<QByteArray>("part");
        const auto row = [](const QString& words, const char* part) {
            QTest::newRow(words.toUtf8().constData()) << words.split(' ') << QByteArray(part);
        };
        row("--control nothing --control-image guide.png", "There is no ControlNet 'nothing'.");
        row("--control edges --control-image none.png", "none.png");
        row("--control edges --control-image models/ControlNet/edges.safetensors", "edges");
        row("--control sketch --control-image guide.png", "is a T2I-Adapter, not a ControlNet.");
        row("--control edges", "has no picture to follow.");
        row("--control " + kNets + "control-xl --control-image guide.png",
            "is a ControlNet for texts of 28 values; this model takes 16.");
        row("--control " + kGolden + "tiny-sd1.safetensors --control-image guide.png",
            "is a whole model.");
        row("--control edges --control-image guide.png --control-prepare sharpen", "sharpen");
    }
    void refuses() {
        QFETCH(QStringList, more);
        QFETCH(QByteArray, part);
        const Run refused = run(QStringList{"image", "--output", "no.png"} + options() + more);
        QCOMPARE(refused.code, 2);
        QVERIFY2(refused.err.contains(part), refused.err.constData());
        QVERIFY(!QFile::exists(m_home.path("no.png")));
    }

    void saysWhatIsStretched() {
        const Run planned = run(QStringList{"image", "--dry-run"} + options() + kSteered);
        QCOMPARE(planned.code, 0);
        QVERIFY2(planned.errHas("The picture of a ControlNet is 1120 x 700 and is stretched to "
                                "64 x 64."),
                 planned.err.constData());
    }

  private:
    static QStringList options() {
        return {"--model",     kGolden + "tiny-sd1",
                "--prompt",    "a red apple",
                "--steps",     "3",
                "--seed",      "3",
                "--width",     "64",
                "--height",    "64",
                "--precision", "f32"};
    }
    Run run(const QStringList& words) const {
        return m_home.run(QStringList{"--models", "models", "--models", kGolden + "tiny-sd1"} +
                          words);
    }
    void make(const QString& output, const QStringList& more) const {
        const Run made = run(QStringList{"image", "--output", output} + options() + more);
        QVERIFY2(made.code == 0, made.err.constData());
    }
    nlohmann::json provenance(const QString& file) const {
        return run({"info", file, "--json"}).event("info")["provenance"];
    }
    QString pixels(const QString& file) const {
        return QString::fromStdString(provenance(file)["outputHash"].get<std::string>());
    }

    Home m_home;
};

QTEST_GUILESS_MAIN(ControlCommandTest)
#include "control_command_test.moc"
