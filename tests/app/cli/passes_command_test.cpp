// Pictures of two models, of two passes, in windows and with new surroundings, from the shell to
// verify: the real program.

#include "tests/app/cli/program_run.h"

#include <QFile>
#include <QTest>

#include <string>
#include <utility>

using namespace kinora::app;

namespace {

const QString kGolden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");

QStringList image(const QString& output, const QStringList& more = {}) {
    return QStringList{"image",    "--prompt",  "3d emoji of a red apple",
                       "--steps",  "4",         "--seed",
                       "3",        "--sampler", "ddim",
                       "--output", output} +
           more;
}

} // namespace

class PassesCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        for (const auto& [output, options] :
             {std::pair{"plain.png", QStringList{}},
              {"refined.png", QStringList{"--refiner", "starter-image", "--refiner-at", "0.5"}},
              {"larger.png", QStringList{"--hires", "1.5", "--hires-strength", "0.5"}},
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

    void areAsLargeAsTheyAreAskedFor() {
        QVERIFY(size("larger.png") == std::pair(192, 192));
        QVERIFY(size("wider.png") == std::pair(160, 136));
        QVERIFY(pixels("windows.png") != pixels("plain.png"));
    }

    void areMadeAgainByVerify() {
        for (const char* name : {"refined.png", "larger.png", "windows.png"}) {
            const Run run = m_home.run({"verify", name});
            QCOMPARE(run.out, QByteArray(name) + ": same\n");
        }
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

    void aPlanCountsBoth() {
        const auto steps = [&](const QStringList& options) {
            const Run run =
                m_home.run(image("no.png", options + QStringList{"--dry-run", "--json"}));
            return run.event("plan")["steps"].get<int>();
        };
        QCOMPARE(steps({}), 4);
        QCOMPARE(steps({"--refiner", "starter-image"}), 4);
        QCOMPARE(steps({"--hires", "2", "--hires-steps", "6"}), 4 + 3);
    }

    void refuses_data() {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("unknown refiner")
            << QStringList{"--refiner", "nothing"} << QByteArray("There is no model 'nothing'");
        QTest::newRow("other latents") << QStringList{"--refiner", kGolden + "tiny-sd1"}
                                       << QByteArray("its latents are of another kind");
        QTest::newRow("refiner from a picture")
            << QStringList{"--refiner", "starter-image", "--init", "plain.png"}
            << QByteArray("A refiner finishes pictures that are made from a text");
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
