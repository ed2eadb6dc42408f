// Pictures of two models, of two passes, in windows and with new surroundings, from the shell to
// verify: the real program.

#include "tests/app/cli/program_run.h"

#include <QDir>
#include <QFile>
#include <QTest>

#include <string>
#include <utility>

using namespace kinora::app;

namespace {

const QString kGolden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");

QStringList image(const QString& output, const QStringList& more = {}) {
    return QStringList{"--models", "models",   "image",  "--prompt", "3d emoji of a red apple",
                       "--steps",  "4",        "--seed", "3",        "--sampler",
                       "ddim",     "--output", output} +
           more;
}

} // namespace

class PassesCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        QVERIFY(QDir().mkpath(m_home.path("models/ESRGAN")));
        QVERIFY(QFile::copy(kGolden + "upscalers/compact-x2.safetensors",
                            m_home.path("models/ESRGAN/Sharp.safetensors")));
        for (const auto& [output, options] :
             {std::pair{"plain.png", QStringList{}},
              {"refined.png", QStringList{"--refiner", "starter-image", "--refiner-at", "0.5"}},
              {"larger.png", QStringList{"--hires", "1.5", "--hires-strength", "0.5"}},
              {"sharper.png", QStringList{"--hires", "1.5", "--hires-upscaler", "sharp"}},
              {"enlarged.png", QStringList{"--upscaler", "sharp"}},
              {"windows.png", QStringList{"--denoise-tile", "64"}},
              {"wider.png", QStringList{"--init", "plain.png", "--outpaint", "32,0,0,8"}}}) {
            const Run run = m_home.run(image(output, options));
            QVERIFY2(run.code == 0, run.err.constData());
        }
    }

    void aRefinerGoesOnWhereTheModelEnds() {
        QCOMPARE(pixels("refined.png"), pixels("plain.png")); // it is the same model
        const auto made = provenance("refined.png");
        QCOMPARE(made["request"]["refiner"].get<std::string>(), std::string("starter-image"));
        QCOMPARE(made["files"][0]["name"].get<std::string>(), std::string("starter-image"));
        QCOMPARE(made["files"][0]["hash"].get<std::string>(),
                 made["model"]["hash"].get<std::string>());
    }

    void aRefinerGoesOnWithAPictureToo() {
        const QStringList begun{"--init",   "larger.png", "--width",    "128",
                                "--height", "128",        "--strength", "0.75"};
        const QStringList refined =
            begun + QStringList{"--refiner", "starter-image", "--refiner-at", "0.5"};
        for (const auto& [output, options] :
             {std::pair{"begun.png", begun}, {"begun-refined.png", refined}}) {
            const Run run = m_home.run(image(output, options));
            QVERIFY2(run.code == 0, run.err.constData());
        }
        QCOMPARE(pixels("begun-refined.png"), pixels("begun.png")); // it is the same model
        const Run run = m_home.run(
            {"--models", "models", "verify", "begun-refined.png", "--input", "larger.png"});
        QCOMPARE(run.out, QByteArray("begun-refined.png: same\n"));
        const Run plan = m_home.run(image("no.png", refined + QStringList{"--dry-run", "--json"}));
        QVERIFY2(plan.code == 0, plan.err.constData());
        QCOMPARE(plan.event("plan")["steps"].get<int>(), 3);
    }

    void areAsLargeAsTheyAreAskedFor() {
        QVERIFY(size("larger.png") == std::pair(192, 192));
        QVERIFY(size("wider.png") == std::pair(160, 136));
        QVERIFY(size("sharper.png") == std::pair(192, 192));
        QVERIFY(size("enlarged.png") == std::pair(256, 256));
        QVERIFY(pixels("windows.png") != pixels("plain.png"));
        QVERIFY(pixels("sharper.png") != pixels("larger.png"));
    }

    // The same bytes as with the two commands, one after the other.
    void enlargedIsWhatUpscaleMakes() {
        const Run run = m_home.run({"--models", "models", "upscale", "plain.png", "--model",
                                    "sharp", "--output", "after.png"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(pixels("after.png"), pixels("enlarged.png"));
        const auto made = provenance("enlarged.png");
        QCOMPARE(made["request"]["upscaler"].get<std::string>(), std::string("Sharp"));
        QCOMPARE(made["files"][0]["name"].get<std::string>(), std::string("Sharp"));
        QCOMPARE(provenance("sharper.png")["request"]["hiresUpscaler"].get<std::string>(),
                 std::string("Sharp"));
    }

    void areMadeAgainByVerify() {
        for (const char* name :
             {"refined.png", "larger.png", "windows.png", "sharper.png", "enlarged.png"}) {
            const Run run = m_home.run({"--models", "models", "verify", name});
            QCOMPARE(run.out, QByteArray(name) + ": same\n");
        }
        const Run elsewhere = m_home.run({"verify", "enlarged.png"});
        QVERIFY(elsewhere.errHas("its upscaler, Sharp"));
        const Run run = m_home.run({"verify", "wider.png", "--input", "plain.png"});
        QCOMPARE(run.out, QByteArray("wider.png: same\n"));
    }

    void severalAreWhatEachIsAlone() {
        const Run run = m_home.run(
            image("two.png", {"--hires", "1.5", "--hires-strength", "0.5", "--count", "2"}));
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(pixels("two-1.png"), pixels("larger.png"));
        const Run refined = m_home.run(
            image("r.png", {"--refiner", "starter-image", "--refiner-at", "0.5", "--count", "2"}));
        QVERIFY2(refined.code == 0, refined.err.constData());
        QCOMPARE(pixels("r-1.png"), pixels("refined.png"));
    }

    // Over all pictures and passes, whichever picture's turn it is.
    void progressOnlyGrows() {
        for (const QStringList& options :
             {QStringList{"--refiner", "starter-image", "--refiner-at", "0.5"},
              QStringList{"--hires", "1.5", "--upscaler", "sharp"}}) {
            const Run run =
                m_home.run(QStringList{"--json"} +
                           image("many.png", options + QStringList{"--count", "2", "--overwrite"}));
            QCOMPARE(run.code, 0);
            QCOMPARE(run.schemaBreach(), QString());
            int64_t done = 0, all = 0;
            for (const QByteArray& line : run.out.split('\n')) {
                const auto event = nlohmann::json::parse(line.toStdString(), nullptr, false);
                if (!event.is_object() || event["event"] != "step") continue;
                QCOMPARE(event["done"].get<int64_t>(), ++done);
                all = event["all"].get<int64_t>();
            }
            QVERIFY(done > 0);
            QCOMPARE(done, all);
        }
    }

    void aPlanCountsBoth() {
        const auto steps = [&](const QStringList& options) {
            const Run run =
                m_home.run(image("no.png", options + QStringList{"--dry-run", "--json"}));
            return run.event("plan")["steps"].get<int>();
        };
        QCOMPARE(steps({}), 4);
        QCOMPARE(steps({"--refiner", "starter-image", "--refiner-at", "0.5"}), 4);
        QCOMPARE(steps({"--hires", "2", "--hires-steps", "6"}), 4 + 3);
        QCOMPARE(steps({"--upscaler", "sharp"}), 4 + 2); // a tile of colour, one of alpha
    }

    void refuses_data() {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("unknown refiner")
            << QStringList{"--refiner", "nothing"} << QByteArray("There is no model 'nothing'");
        QTest::newRow("other latents") << QStringList{"--refiner", kGolden + "tiny-sd1"}
                                       << QByteArray("its latents are of another kind");
        QTest::newRow("unknown upscaler")
            << QStringList{"--upscaler", "nothing"} << QByteArray("There is no upscaler 'nothing'");
        QTest::newRow("no step for the refiner")
            << QStringList{"--refiner", "starter-image", "--refiner-at", "0.99"}
            << QByteArray("No step is left for one of the two models");
        QTest::newRow("refiner of a part") << QStringList{"--refiner", "starter-image", "--init",
                                                          "plain.png", "--mask",        "plain.png"}
                                           << QByteArray("A refiner finishes whole pictures");
        QTest::newRow("begins after the refiner would")
            << QStringList{"--refiner",  "starter-image", "--init",       "plain.png",
                           "--strength", "0.25",          "--refiner-at", "0.5"}
            << QByteArray("No step is left for one of the two models");
        QTest::newRow("no picture") << QStringList{"--outpaint", "8,8,8,8"}
                                    << QByteArray("There is no picture that could be continued");
        QTest::newRow("margins") << QStringList{"--init", "plain.png", "--outpaint", "8,8"}
                                 << QByteArray("LEFT,TOP,RIGHT,BOTTOM");
        QTest::newRow("second pass of a mask")
            << QStringList{"--init", "plain.png", "--mask", "plain.png", "--hires", "2"}
            << QByteArray("does not go with masks");
        QTest::newRow("no step left") << QStringList{"--hires", "2", "--hires-strength", "0.1"}
                                      << QByteArray("it leaves less than one");
        QTest::newRow("gaps") << QStringList{"--denoise-tile", "64", "--denoise-stride", "128"}
                              << QByteArray("leave gaps");
    }
    void refuses() {
        QFETCH(QStringList, options);
        QFETCH(QByteArray, part);
        const Run run = m_home.run(image("refused.png", options));
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(part), run.err.constData());
        QVERIFY(!QFile::exists(m_home.path("refused.png")));
    }

  private:
    nlohmann::json info(const QString& name) {
        return m_home.run({"info", name, "--json"}).event("info");
    }
    nlohmann::json provenance(const QString& name) { return info(name)["provenance"]; }
    std::string pixels(const QString& name) {
        return provenance(name)["outputHash"].get<std::string>();
    }
    std::pair<int, int> size(const QString& name) {
        const auto about = info(name);
        return {about["width"].get<int>(), about["height"].get<int>()};
    }

    Home m_home;
};

QTEST_GUILESS_MAIN(PassesCommandTest)
#include "passes_command_test.moc"
