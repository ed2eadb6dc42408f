// Signals at every stage of the real program: it ends soon, says so, and leaves whole files alone.

#include "tests/app/cli/program_run.h"

#include <QElapsedTimer>
#include <QTest>

#include <csignal>

using namespace kinora::app;

namespace {

// A second is promised; a machine that runs other tests beside may need two.
constexpr qint64 kSoonMilliseconds = 2000;

struct Interrupted {
    Run run;
    qint64 milliseconds = 0;
};

// Sends the signal once the output has `mark` in it.
Interrupted interrupt(const Home& home, const QStringList& arguments, const QByteArray& mark,
                      int signal) {
    QProcess process;
    home.start(process, arguments);
    QByteArray seen;
    while (!seen.contains(mark) && process.waitForReadyRead(60'000))
        seen += process.readAllStandardOutput();
    QElapsedTimer timer;
    timer.start();
    ::kill(static_cast<pid_t>(process.processId()), signal);
    Interrupted end{Home::finish(process), timer.elapsed()};
    end.run.out = seen + end.run.out;
    return end;
}

} // namespace

class InterruptTest : public QObject {
    Q_OBJECT

  private slots:
    void endsSoonAndKeepsWhatIsFinished_data() {
        QTest::addColumn<QByteArray>("mark");
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<int>("signal");
        QTest::addColumn<QStringList>("files");
        const QStringList wide{"--width", "1024", "--height", "1024"};
        const QStringList none;
        QTest::newRow("planning") << QByteArray("\"plan\"") << QStringList{"--steps", "9"} << SIGINT
                                  << none;
        QTest::newRow("loading") << QByteArray("\"loading\"") << QStringList{"--steps", "9"}
                                 << SIGTERM << none;
        QTest::newRow("denoising")
            << QByteArray("\"step\":1,") << QStringList{"--steps", "900"} << SIGTERM << none;
        QTest::newRow("hang-up") << QByteArray("\"step\":1,") << QStringList{"--steps", "900"}
                                 << SIGHUP << none;
        QTest::newRow("decoding") << QByteArray("\"step\":1,")
                                  << (QStringList{"--steps", "1"} + wide) << SIGINT << none;
        QTest::newRow("series") << QByteArray("\"result\"")
                                << (QStringList{"--steps", "2", "--count", "40"}) << SIGINT
                                << QStringList{"a-1.png"};
    }
    void endsSoonAndKeepsWhatIsFinished() {
        QFETCH(QByteArray, mark);
        QFETCH(QStringList, options);
        QFETCH(int, signal);
        QFETCH(QStringList, files);
        const Home home;
        const Interrupted end = interrupt(
            home, QStringList{"image", "--prompt", "x", "--json", "--output", "a.png"} + options,
            mark, signal);
        QVERIFY2(end.milliseconds < kSoonMilliseconds,
                 qPrintable(QString::number(end.milliseconds)));
        QCOMPARE(end.run.code, 130);
        QCOMPARE(end.run.schemaBreach(), QString());
        QCOMPARE(end.run.events().back()["event"].get<std::string>(), std::string("cancelled"));
        if (files.isEmpty()) QCOMPARE(home.files(), files);
        for (const QString& name : home.files()) {
            QVERIFY2(name.endsWith(".png"), qPrintable(name));
            QCOMPARE(home.run({"info", name}).code, 0);
        }
        for (const QString& name : files) QVERIFY(home.files().contains(name));
    }

    void aSignalAfterTheLastStepLeavesAWholePictureOrNone() {
        const Home home;
        const Interrupted end = interrupt(
            home, {"image", "--prompt", "x", "--steps", "3", "--json", "--output", "a.png"},
            "\"step\":3,", SIGINT);
        const bool finished = end.run.code == 0;
        QVERIFY(finished || end.run.code == 130);
        QCOMPARE(end.run.events().back()["event"].get<std::string>(),
                 std::string(finished ? "result" : "cancelled"));
        if (finished || !home.files().isEmpty()) QCOMPARE(home.run({"verify", "a.png"}).code, 0);
    }

    void aSignalAfterTheResultTakesNothingBack() {
        const Home home;
        const Interrupted end = interrupt(
            home, {"image", "--prompt", "x", "--steps", "1", "--json", "--output", "a.png"},
            "\"result\"", SIGTERM);
        QVERIFY(end.run.code == 0 || end.run.code == 130);
        QCOMPARE(home.files(), QStringList{"a.png"});
        QCOMPARE(home.run({"info", "a.png"}).code, 0);
    }

    void endsWhileItWaitsForThePrompt() {
        const Home home;
        QProcess process;
        home.start(process, {"image", "--prompt", "-", "--json"});
        QVERIFY(process.waitForStarted());
        QVERIFY(!process.waitForFinished(500));
        ::kill(static_cast<pid_t>(process.processId()), SIGTERM);
        const Run run = Home::finish(process);
        QCOMPARE(run.code, 130);
        QCOMPARE(run.out, QByteArray("{\"event\":\"cancelled\"}\n"));
    }
};

QTEST_GUILESS_MAIN(InterruptTest)
#include "interrupt_test.moc"
