// The program as a whole: what is true of every command.

#include "tests/app/cli/program_run.h"

#include <QElapsedTimer>
#include <QTest>

using namespace kinora::app;

class MainTest : public QObject {
    Q_OBJECT

  private slots:
    void tellsItsVersionAtOnce() {
        const Home home;
        const Run run = home.run({"--version"});
        QCOMPARE(run.code, 0);
        QVERIFY(run.out.startsWith("kinora "));
        QVERIFY(run.out.contains("back end cpu"));
        const Run json = home.run({"--version", "--json"});
        QCOMPARE(json.schemaBreach(), QString());
        QVERIFY(!json.event("version").is_null());
    }

    void helpIsData() {
        const Home home;
        for (const QStringList& line :
             {QStringList{"--help"}, {"image", "--help"}, {"verify", "-h"}, {"bench", "--help"}}) {
            const Run run = home.run(line);
            QCOMPARE(run.code, 0);
            QVERIFY(run.out.startsWith("Usage: kinora"));
            QCOMPARE(run.err, QByteArray());
        }
    }

    void printsCompletionsAndTheManPage() {
        const Home home;
        for (const char* shell : {"bash", "zsh", "fish"})
            QVERIFY(home.run({"completions", shell}).out.contains("guidance-rescale"));
        QVERIFY(home.run({"manual"}).out.startsWith(".TH KINORA 1"));
    }

    void withoutADisplaySaysHowToRunACommand() {
        const Home home;
        const Run run = home.run({});
        QCOMPARE(run.code, 2);
        QVERIFY(run.errHas("display"));
        QVERIFY(run.errHas("kinora image --prompt"));
        QCOMPARE(run.out, QByteArray());
    }

    void refusesWrongUsage_data() {
        QTest::addColumn<QStringList>("line");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("command") << QStringList{"imgae"} << QByteArray("Did you mean image?");
        QTest::newRow("option") << QStringList{"image", "--prompt", "x", "--stpes", "4"}
                                << QByteArray("Did you mean --steps?");
        QTest::newRow("threads") << QStringList{"devices", "--threads", "0"}
                                 << QByteArray("--threads");
        QTest::newRow("models") << QStringList{"models", "--models", "/no/such"}
                                << QByteArray("/no/such");
        QTest::newRow("data") << QStringList{"models", "--data", "/dev/null"}
                              << QByteArray("--data");
    }
    void refusesWrongUsage() {
        QFETCH(QStringList, line);
        QFETCH(QByteArray, part);
        const Home home;
        const Run run = home.run(line);
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(part), run.err.constData());
        QCOMPARE(run.out, QByteArray());
        QCOMPARE(home.files(), QStringList());
        const Run json = home.run(line + QStringList{"--json"});
        QCOMPARE(json.code, 2);
        QCOMPARE(json.schemaBreach(), QString());
        QCOMPARE(json.event("error").value("code", ""), std::string("invalid-argument"));
    }

    void outputThatCannotBeWrittenIsAFailure() {
        const Home home;
        QCOMPARE(home.shell("\"$K\" models > /dev/full").code, 75);
        QCOMPARE(home.shell("\"$K\" models >&-").code, 1);
        const Run pipe = home.shell("{ \"$K\" models; echo $? >&2; } | true");
        QVERIFY(pipe.errHas("Broken pipe") || pipe.errHas("0"));
    }
};

QTEST_GUILESS_MAIN(MainTest)
#include "main_test.moc"
