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
        // A reader that has seen enough, such as head, is told by the code alone.
        const Run pipe = home.shell("{ sleep 0.2; \"$K\" models; echo code $? >&2; } | true");
        QVERIFY2(pipe.errHas("code 1"), pipe.err.constData());
        QVERIFY2(!pipe.errHas("cannot be written"), pipe.err.constData());
    }

    // The picture is made all the same: the person may have wanted no more than it.
    void streamsMayBeClosedOrFull_data() {
        QTest::addColumn<QString>("streams");
        QTest::addColumn<int>("code");
        QTest::newRow("reader gone") << "--json | head -1; exit ${PIPESTATUS[0]}" << 1;
        QTest::newRow("output closed") << ">&-" << 1;
        QTest::newRow("output full") << ">/dev/full" << 75;
        QTest::newRow("messages closed") << "2>&-" << 0;
        QTest::newRow("messages full") << "2>/dev/full" << 0;
        QTest::newRow("all closed") << "<&- >&- 2>&-" << 1;
    }
    void streamsMayBeClosedOrFull() {
        QFETCH(QString, streams);
        QFETCH(int, code);
        const Home home;
        const Run run = home.shell("\"$K\" image --prompt x --steps 1 --output a.png " + streams);
        QCOMPARE(run.code, code);
        QCOMPARE(home.files(), QStringList{"a.png"});
        QCOMPARE(home.run({"info", "a.png"}).code, 0); // no message went into it
    }

    // A limit on files gives the error that a full disk gives, and needs no disk of its own.
    void aFullDiskIsAPassingTroubleAndLeavesNothing_data() {
        QTest::addColumn<QString>("options");
        for (const char* name : {"a.png", "a.webp", "a.tiff", "a.exr", "a.avif"})
            QTest::newRow(name) << QString("--output ") + name;
    }
    void aFullDiskIsAPassingTroubleAndLeavesNothing() {
        QFETCH(QString, options);
        const Home home;
        const Run run =
            home.shell("ulimit -f 1; \"$K\" image --prompt x --steps 1 --json " + options);
        QVERIFY2(run.code == 75, run.err.constData());
        QCOMPARE(run.schemaBreach(), QString());
        const auto last = run.events().back();
        QCOMPARE(last.value("code", ""), std::string("disk-full"));
        QVERIFY2(last.value("message", "").starts_with("a."), last.dump().c_str());
        QCOMPARE(home.files(), QStringList());
    }

    void needsNoHome() {
        const Home home;
        const QString quick = " \"$K\" image --prompt x --steps 1 ";
        // What is written without --output lies below the home, and nowhere else.
        QCOMPARE(home.shell("env -u HOME" + quick + "--output a.png").code, 0);
        QCOMPARE(home.shell("HOME=/proc/none" + quick + "--output b.png --data /proc/none").code,
                 0);
        QCOMPARE(home.files(), (QStringList{"a.png", "b.png"}));
        const Run run = home.shell("HOME=/proc/none" + quick);
        QCOMPARE(run.code, 2);
        QVERIFY2(run.errHas("give another --output"), run.err.constData());
        QCOMPARE(home.shell("HOME=\"$PWD/new\"" + quick).code, 0);
        QVERIFY(QDir(home.path("new/Pictures/Kinora")).exists());
    }

    void jsonEndsWithAnEventWhateverHappens_data() {
        QTest::addColumn<QStringList>("line");
        QTest::addColumn<QString>("last");
        const auto row = [](const QStringList& line, const char* last) {
            QTest::newRow(qPrintable(line.join(' '))) << line << last;
        };
        row({}, "error"); // no display
        row({"--help"}, "help");
        row({"--version"}, "version");
        row({"image", "--help"}, "help");
        row({"nothing"}, "error");
        row({"image"}, "error");
        row({"image", "--prompt", "x", "--dry-run"}, "plan");
        row({"image", "--prompt", "x", "--model", "none"}, "error");
        row({"image", "--prompt", "x", "--width", "8192", "--height", "8192", "--tiling", "off",
             "--dry-run"},
            "error");
        row({"models"}, "models");
        row({"models", "show", "none"}, "error");
        row({"info", "none"}, "error");
        row({"verify", "none"}, "verify");
        row({"bench", "none"}, "error");
        row({"bench", "text", "--arch", "starter", "--repeat", "1"}, "bench");
        row({"devices"}, "devices");
        row({"completions", "bash"}, "completions");
        row({"completions", "none"}, "error");
        row({"manual"}, "manual");
    }
    void jsonEndsWithAnEventWhateverHappens() {
        QFETCH(QStringList, line);
        QFETCH(QString, last);
        const Home home;
        const Run run = home.run(line + QStringList{"--json"});
        QCOMPARE(run.schemaBreach(), QString());
        QVERIFY(!run.events().empty());
        QCOMPARE(run.events().back().value("event", ""), last.toStdString());
    }

    void refusesPromptsThatAreTooLongOrNoText() {
        const Home home;
        const Run tooLong = home.run({"image", "--prompt", "-"}, QByteArray(1 << 20, 'x'));
        QCOMPARE(tooLong.code, 2);
        QVERIFY2(tooLong.errHas("1048576 bytes are too long"), tooLong.err.constData());
        const Run noText = home.run({"image", "--prompt", "-", "--json"}, "a\xff fox");
        QCOMPARE(noText.code, 2);
        QCOMPARE(noText.schemaBreach(), QString());
        QVERIFY2(noText.errHas("not valid UTF-8"), noText.err.constData());
    }
};

QTEST_GUILESS_MAIN(MainTest)
#include "main_test.moc"
