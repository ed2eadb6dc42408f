// A picture with a LoRA and another VAE, from the shell to verify: the real program.

#include "tests/app/cli/program_run.h"

#include <QDir>
#include <QFile>
#include <QTest>

#include <cstring>
#include <string>
#include <vector>

using namespace kinora::app;

namespace {

const QString kGolden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");

// A difference of the bias of the starter model's first convolution.
void writeLora(const Home& home, const QString& name, float value) {
    constexpr size_t kChannels = 96;
    const std::string header =
        R"({"__metadata__":{"modelspec.trigger_phrase":"shiny","modelspec.license":"CC0"},)"
        R"("lora_unet_conv_in.diff_b":{"dtype":"F32","shape":[96],"data_offsets":[0,384]}})";
    const auto length = static_cast<uint64_t>(header.size());
    const std::vector<float> values(kChannels, value);
    QByteArray bytes(reinterpret_cast<const char*>(&length), sizeof length);
    bytes += QByteArray::fromStdString(header);
    bytes += QByteArray(reinterpret_cast<const char*>(values.data()), kChannels * sizeof(float));
    const QString path = home.path(name);
    QVERIFY(QDir().mkpath(QFileInfo(path).path()));
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    QCOMPARE(file.write(bytes), bytes.size());
}

QStringList image(const QString& output, const QStringList& more) {
    return QStringList{"--models", "models", "image",  "--prompt", "3d emoji of a red apple",
                       "--steps",  "2",      "--seed", "3",        "--output",
                       output} +
           more;
}

} // namespace

class LoraCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        writeLora(m_home, "models/Lora/Shine.safetensors", 0.2F);
        for (const auto& [output, options] :
             {std::pair{"plain.png", QStringList{}},
              {"full.png", QStringList{"--lora", "shine"}},
              {"half.png", QStringList{"--lora", "shine:0.5"}},
              {"twice.png", QStringList{"--lora", "shine:0.25", "--lora", "shine:0.25"}},
              {"none.png", QStringList{"--lora", "models/Lora/Shine.safetensors:0"}}}) {
            const Run run = m_home.run(image(output, options));
            QVERIFY2(run.code == 0, run.err.constData());
        }
    }

    void changesThePictureByItsWeight() {
        QCOMPARE(pixels("none.png"), pixels("plain.png"));
        QCOMPARE(pixels("twice.png"), pixels("half.png"));
        QVERIFY(pixels("full.png") != pixels("plain.png"));
        QVERIFY(pixels("full.png") != pixels("half.png"));
    }

    void isTakenFromThePrompt() {
        QStringList line = image("prompt.png", {});
        line[line.indexOf("3d emoji of a red apple")] = "3d emoji of a red apple <lora:shine:0.5>";
        const Run run = m_home.run(line);
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(pixels("prompt.png"), pixels("half.png"));
        const auto made = m_home.run({"info", "prompt.png", "--json"}).event("info")["provenance"];
        QCOMPARE(made["request"]["prompt"].get<std::string>(),
                 std::string("3d emoji of a red apple"));
        QCOMPARE(made["request"]["lora"][0].get<std::string>(), std::string("Shine:0.5"));
        const Run again = m_home.run({"--models", "models", "verify", "prompt.png"});
        QCOMPARE(again.out, QByteArray("prompt.png: same\n"));
    }

    void isNamedInThePictureWithoutAPath() {
        const Run run = m_home.run({"info", "none.png", "--json"});
        const auto made = run.event("info")["provenance"];
        QCOMPARE(made["request"]["lora"][0].get<std::string>(), std::string("Shine:0"));
        QCOMPARE(made["files"][0]["name"].get<std::string>(), std::string("Shine"));
        QVERIFY(made["files"][0]["hash"].get<std::string>().starts_with("sha256:"));
        QVERIFY(!m_home.run({"info", "plain.png", "--json"})
                     .event("info")["provenance"]
                     .contains("files"));
    }

    void isFoundByVerifyWhateverItIsCalled() {
        QVERIFY(QFile::rename(m_home.path("models/Lora/Shine.safetensors"),
                              m_home.path("models/Lora/renamed.safetensors")));
        const Run run = m_home.run({"--models", "models", "verify", "full.png", "twice.png"});
        QCOMPARE(run.out, QByteArray("full.png: same\ntwice.png: same\n"));
        QVERIFY(QFile::rename(m_home.path("models/Lora/renamed.safetensors"),
                              m_home.path("models/Lora/Shine.safetensors")));
        const Run without = m_home.run({"verify", "full.png"});
        QCOMPARE(without.code, 2);
        QVERIFY2(without.err.contains("its LoRA, Shine (sha256:"), without.err.constData());
    }

    void isListedWithWhatItSays() {
        const Run run = m_home.run({"--models", "models", "models", "--json"});
        QCOMPARE(run.schemaBreach(), QString());
        const auto files = run.event("models")["companions"];
        QCOMPARE(files.size(), size_t{1});
        QCOMPARE(files[0]["name"].get<std::string>(), std::string("Shine"));
        QCOMPARE(files[0]["triggerWords"][0].get<std::string>(), std::string("shiny"));
        QCOMPARE(files[0]["licence"].get<std::string>(), std::string("CC0"));
        QVERIFY(files[0]["hash"].get<std::string>().starts_with("sha256:")); // known from above
    }

    void refuses_data() {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("unknown") << QStringList{"--lora", "nothing"}
                                 << QByteArray("There is no LoRA 'nothing'.");
        QTest::newRow("weight") << QStringList{"--lora", "shine:1000"}
                                << QByteArray("'shine:1000'");
        QTest::newRow("other model") << QStringList{"--lora", kGolden + "loras/kohya.safetensors"}
                                     << QByteArray("was made for another kind of model");
        QTest::newRow("no LoRA") << QStringList{"--lora", kGolden + "tiny-sd1.safetensors"}
                                 << QByteArray("is a whole model");
        QTest::newRow("no VAE") << QStringList{"--vae", kGolden + "loras/kohya.safetensors"}
                                << QByteArray("has no VAE");
        QTest::newRow("other VAE")
            << QStringList{"--vae", kGolden + "tiny-sd1"} << QByteArray("its latents have 4");
    }
    void refuses() {
        QFETCH(QStringList, options);
        QFETCH(QByteArray, part);
        const Run run = m_home.run(image("refused.png", options));
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(part), run.err.constData());
        QVERIFY(!QFile::exists(m_home.path("refused.png")));
    }

    void takesAnotherVae() {
        const QString vae = QStringLiteral(KINORA_SOURCE_DIR "/resources/models/starter-image");
        const Run run = m_home.run(image("vae.png", {"--vae", vae}));
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(pixels("vae.png"), pixels("plain.png"));
        const auto made = m_home.run({"info", "vae.png", "--json"}).event("info")["provenance"];
        QCOMPARE(made["request"]["vae"].get<std::string>(), std::string("starter-image"));
    }

    void namesTheConfigOfAnotherVae() {
        const QDir own(QStringLiteral(KINORA_SOURCE_DIR "/resources/models/starter-image/vae"));
        QVERIFY(QDir().mkpath(m_home.path("mine")));
        const QString weights = "diffusion_pytorch_model.safetensors";
        QVERIFY(QFile::link(own.filePath(weights), m_home.path("mine/" + weights)));
        QFile good(own.filePath("config.json")), damaged(m_home.path("mine/config.json"));
        QVERIFY(good.open(QIODevice::ReadOnly) && damaged.open(QIODevice::WriteOnly));
        damaged.write(good.readAll().replace("\"silu\"", "5"));
        damaged.close();
        const Run run = m_home.run(image("refused.png", {"--vae", m_home.path("mine")}));
        QCOMPARE(run.code, 2);
        QVERIFY2(run.errHas("mine/config.json: \"act_fn\" is 5"), run.err.constData());
    }

  private:
    std::string pixels(const QString& name) {
        const Run run = m_home.run({"info", name, "--json"});
        return run.event("info")["provenance"]["outputHash"].get<std::string>();
    }

    Home m_home;
};

QTEST_GUILESS_MAIN(LoraCommandTest)
#include "lora_command_test.moc"
