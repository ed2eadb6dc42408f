#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "core/media/png_text.h"
#include "tests/app/cli/program_run.h"

#include <QTest>

#include <algorithm>
#include <vector>

using namespace kinora;
using namespace kinora::app;

namespace {

// Writes the picture again under another name with some pixels changed, and what it says kept.
void alter(const Home& home, const QString& from, const QString& to, float difference) {
    const auto path = [&](const QString& name) {
        return std::filesystem::path(home.path(name).toStdString());
    };
    core::Image image = *core::loadImage(path(from));
    for (float& value : image.pixels)
        value = value > 0.5F ? value - difference : value + difference;
    core::SaveOptions options;
    options.provenance = core::readPictureInfo(path(from))->provenance;
    QVERIFY(core::saveImage(image, path(to), options).ok());
}

} // namespace

class VerifyCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        for (const char* name : {"a.png", "a.jpg", "a.webp"}) {
            const Run run = m_home.run({"image", "--prompt", "3d emoji of a red apple", "--steps",
                                        "2", "--seed", "3", "--output", name});
            QVERIFY2(run.code == 0, run.err.constData());
        }
    }

    void saysSame_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"a.png", "a.jpg", "a.webp"})
            QTest::newRow(name) << QString::fromLatin1(name);
    }
    void saysSame() {
        QFETCH(QString, name);
        const Run run = m_home.run({"verify", name});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.out, name.toUtf8() + ": same\n");
    }

    void saysClose() {
        alter(m_home, "a.png", "close.png", 1.0F / 255);
        const Run run = m_home.run({"verify", "close.png", "--json"});
        QCOMPARE(run.schemaBreach(), QString());
        QCOMPARE(run.event("verify")["verdict"].get<std::string>(), std::string("close"));
        QVERIFY(run.event("verify")["psnr"].get<double>() >= 40);
        QCOMPARE(run.code, 0);
    }

    void saysDifferent() {
        alter(m_home, "a.png", "other.png", 0.2F);
        const Run run = m_home.run({"verify", "other.png"});
        QVERIFY2(run.out.startsWith("other.png: different (PSNR"), run.out.constData());
        QCOMPARE(run.code, 1);
    }

    void judgesEachOfSeveral() {
        const Run run = m_home.run({"verify", "a.png", "nothing.png", "--json"});
        QCOMPARE(run.code, 2);
        QCOMPARE(run.schemaBreach(), QString());
        QCOMPARE(run.events().size(), size_t{2});
        QCOMPARE(run.events()[0]["verdict"].get<std::string>(), std::string("same"));
        QCOMPARE(run.events()[1]["verdict"].get<std::string>(), std::string("cannot"));
    }

    // Latents of three pictures, as a run of three leaves them; the second one is made again.
    void makesAPictureAgainFromTheLatentsThatItBeganFrom() {
        const Run saved = m_home.run({"image", "--prompt", "a green pear", "--steps", "1",
                                      "--count", "3", "--seed", "1", "--save-latents",
                                      "noise.safetensors", "--output", "saved.png"});
        QVERIFY2(saved.code == 0, saved.err.constData());
        const Run made = m_home.run({"image", "--prompt", "a red apple", "--steps", "2", "--count",
                                     "3", "--batch", "2", "--seed", "3", "--latents",
                                     "noise.safetensors", "--output", "from.png"});
        QVERIFY2(made.code == 0, made.err.constData());
        for (const char* name : {"from-1.png", "from-2.png", "from-3.png"}) {
            const Run run = m_home.run({"verify", name, "--input", "noise.safetensors"});
            QVERIFY2(run.code == 0, run.err.constData());
            QCOMPARE(run.out, QByteArray(name) + ": same\n");
        }
        const Run several = m_home.run(
            {"verify", "from-2.png", "a.png", "--input", "a.png", "--input", "noise.safetensors"});
        QCOMPARE(several.out, QByteArray("from-2.png: same\na.png: same\n"));
        cannotWithoutTheLatents();
    }

    void saysWhyItCannot_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QByteArray>("sentence");
        QTest::addColumn<QByteArray>("hint");
        const auto row = [](const char* name, const char* sentence, const char* hint) {
            QTest::newRow(name) << QString(name)
                                << QByteArray(name) + ": cannot be verified: " + sentence + "\n"
                                << QByteArray(hint);
        };
        row("nothing.png", "there is no such file.", "Check the name.");
        row("other.png", "it was made with A1111, not with Kinora",
            "only Kinora's own pictures can be verified");
        row("bare.png", "the file does not say how Kinora made it", "another program's");
        row("damaged.png",
            "what it says of its making is damaged: of Kinora: the JSON text is "
            "malformed from byte 2 on",
            "verify the file as it was made");
        row("damaged-too.png",
            "what it says of its making is damaged: of Kinora: the JSON text is "
            "malformed from byte 2 on",
            "verify the file as it was made");
        row("empty.png", "is empty.", "Get it again.");
    }
    void saysWhyItCannot() {
        QFETCH(QString, name);
        QFETCH(QByteArray, sentence);
        QFETCH(QByteArray, hint);
        const Home home;
        const core::Image image = *core::loadImage(m_home.path("a.png").toStdString());
        const auto write = [&](const char* file, const std::vector<core::PngText>& texts) {
            const auto png = core::withPngTexts(*core::encodePng(image, {}), texts);
            QFile out(home.path(file));
            QVERIFY(out.open(QIODevice::WriteOnly));
            out.write(reinterpret_cast<const char*>(png->data()), static_cast<qint64>(png->size()));
        };
        write("bare.png", {});
        write("other.png",
              {{"parameters", "a fox\nSteps: 4, Sampler: Euler, Seed: 1, Size: 128x128"}});
        write("damaged.png", {{"kinora", "{"}});
        // What other programs read stands in Kinora's own pictures too.
        write("damaged-too.png", {{"kinora", "{"}, {"parameters", "a fox\nSteps: 4, Seed: 1"}});
        QVERIFY(QFile(home.path("empty.png")).open(QIODevice::WriteOnly));
        const Run run = home.run({"verify", name});
        QVERIFY2(run.err.startsWith(sentence), run.err.constData());
        QVERIFY2(run.err.contains(hint), run.err.constData());
        QCOMPARE(run.code, 2);
        QCOMPARE(home.run({"verify", name, "--json"}).schemaBreach(), QString());
    }

    void makesAPictureFromAPictureAgain() {
        core::Image mask{64, 64, 3, std::vector<float>(64 * 64 * 3)};
        std::fill(mask.pixels.begin(), mask.pixels.begin() + 64 * 64, 1.0F);
        QVERIFY(core::saveImage(mask, m_home.path("mask.png").toStdString(), {}).ok());
        const Run made =
            m_home.run({"image", "--prompt", "a pear", "--steps", "3", "--seed", "4", "--init",
                        "a.png", "--mask", "mask.png", "--output", "from-picture.png"});
        QVERIFY2(made.code == 0, made.err.constData());
        QVERIFY(made.errHas("The mask is 64 x 64 and is scaled to 128 x 128."));
        const auto verify = [&](const QStringList& inputs) {
            QStringList arguments{"verify", "from-picture.png"};
            for (const QString& input : inputs) arguments << "--input" << input;
            return m_home.run(arguments);
        };
        const Run same = verify({"a.png", "mask.png"});
        QVERIFY2(same.code == 0, same.err.constData());
        QCOMPARE(same.out, QByteArray("from-picture.png: same\n"));
        QVERIFY(verify({}).errHas("it began from a picture; give the one of hash sha256:"));
        const Run half = verify({"a.png"});
        QCOMPARE(half.code, 2);
        QVERIFY2(half.errHas("the hash of the mask that it was made with"), half.err.constData());
    }

    void cannotWithoutTheModel() {
        core::Image image = *core::loadImage(m_home.path("a.png").toStdString());
        core::SaveOptions options;
        options.provenance = core::readPictureInfo(m_home.path("a.png").toStdString())->provenance;
        options.provenance->modelHash = "sha256:" + std::string(64, '0');
        QVERIFY(core::saveImage(image, m_home.path("lost.png").toStdString(), options).ok());
        const Run run = m_home.run({"verify", "lost.png"});
        QCOMPARE(run.code, 2);
        QVERIFY(run.errHas("is not here"));
        QCOMPARE(run.out, QByteArray());
    }

  private:
    void cannotWithoutTheLatents() {
        const auto info = core::readPictureInfo(m_home.path("from-2.png").toStdString());
        QCOMPARE(info->provenance->latentsIndex, 1);
        const std::string wanted = info->provenance->latentsHash;
        QVERIFY(wanted.starts_with("sha256:"));
        for (const QStringList& input : {QStringList{}, QStringList{"--input", "a.png"}}) {
            const Run run = m_home.run(QStringList{"verify", "from-2.png"} + input);
            QCOMPARE(run.code, 2);
            QVERIFY2(run.errHas(wanted.c_str()) && run.errHas("--input"), run.err.constData());
            QCOMPARE(run.out, QByteArray());
        }
        const Run missing = m_home.run({"verify", "from-2.png", "--input", "nothing.safetensors"});
        QCOMPARE(missing.code, 2);
        QVERIFY2(missing.errHas("nothing.safetensors"), missing.err.constData());
    }

    Home m_home;
};

QTEST_GUILESS_MAIN(VerifyCommandTest)
#include "verify_command_test.moc"
