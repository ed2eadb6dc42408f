#include "tests/app/cli/program_run.h"

#include <QTest>

#include <algorithm>

using namespace kinora::app;

class BenchCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void timesEachPart_data() {
        QTest::addColumn<QString>("part");
        for (const char* part : {"unet", "vae", "text", "image"})
            QTest::newRow(part) << QString::fromLatin1(part);
    }
    void timesEachPart() {
        QFETCH(QString, part);
        const Home home;
        const Run run = home.run({"bench", part, "--arch", "starter", "--repeat", "2", "--steps",
                                  "2", "--dtype", "f32", "--json"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.schemaBreach(), QString());
        const auto bench = run.event("bench");
        QCOMPARE(bench["name"].get<std::string>(), part.toStdString());
        QCOMPARE(bench["seconds"].size(), size_t{2});
        for (const char* field : {"medianSeconds", "gflop", "gflopPerSecond", "predictedSeconds"})
            QVERIFY2(bench[field].get<double>() > 0, field);
        double sum = 0;
        for (const auto& part : bench["classes"]) sum += part["seconds"].get<double>();
        const double longest =
            std::max(bench["seconds"][0].get<double>(), bench["seconds"][1].get<double>());
        QVERIFY2(sum > 0 && sum <= longest, qPrintable(QString::number(sum)));
        QCOMPARE(home.files(), QStringList());
    }

    void workGrowsWithTheBatch() {
        const auto gflop = [](const char* batch) {
            const Run run = Home().run({"bench", "unet", "--arch", "starter", "--repeat", "1",
                                        "--batch", batch, "--json"});
            return run.event("bench").value("gflop", 0.0);
        };
        const double one = gflop("1"), two = gflop("2");
        QVERIFY2(two > 1.9 * one && two < 2.1 * one, qPrintable(QString::number(two / one)));
    }

    void tellsOneSizeAfterAnother() {
        const QStringList line{"bench",    "unet", "--arch",  "starter",
                               "--repeat", "1",    "--sizes", "64,128"};
        const Run run = Home().run(line + QStringList{"--json"});
        QVERIFY2(run.code == 0, run.err.constData());
        auto events = run.events();
        std::erase_if(events, [](const auto& event) { return event["event"] != "bench"; });
        QCOMPARE(events.size(), size_t{2});
        QCOMPARE(events[0]["width"].get<int>(), 64);
        QCOMPARE(events[1]["height"].get<int>(), 128);
        QVERIFY(events[1]["gflop"].get<double>() > 2 * events[0]["gflop"].get<double>());
        const Run table = Home().run(line);
        for (const char* part : {"64 x 64", "128 x 128", "GFLOP/s"})
            QVERIFY2(table.out.contains(part), table.out.constData());
    }

    void printsForPeople() {
        const Run run = Home().run({"bench", "text", "--arch", "starter", "--repeat", "1"});
        for (const char* part :
             {"Median", "GFLOP/s", "Peak memory", "predicted", "  matmul", "  attention"})
            QVERIFY2(run.out.contains(part), run.out.constData());
    }

    void refuses_data() {
        QTest::addColumn<QStringList>("line");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("none") << QStringList{} << QByteArray("needs an argument");
        QTest::newRow("part") << QStringList{"unte"} << QByteArray("Did you mean unet?");
        QTest::newRow("arch") << QStringList{"unet", "--arch", "sd9"} << QByteArray("sd15");
        QTest::newRow("size") << QStringList{"unet", "--width", "75"} << QByteArray("multiples");
        QTest::newRow("sizes") << QStringList{"unet", "--sizes", "64,x"} << QByteArray("'x'");
        QTest::newRow("no size") << QStringList{"unet", "--sizes", "64,,128"}
                                 << QByteArray("--sizes: ''");
        QTest::newRow("both") << QStringList{"unet", "--sizes", "64", "--width", "64"}
                              << QByteArray("Leave out --width");
        QTest::newRow("repeat") << QStringList{"unet", "--repeat", "0"} << QByteArray("--repeat");
        QTest::newRow("dtype") << QStringList{"unet", "--dtype", "f8"} << QByteArray("--dtype");
    }
    void refuses() {
        QFETCH(QStringList, line);
        QFETCH(QByteArray, part);
        const Run run = Home().run(QStringList{"bench"} + line);
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(part), run.err.constData());
        QCOMPARE(run.out, QByteArray());
    }
};

QTEST_GUILESS_MAIN(BenchCommandTest)
#include "bench_command_test.moc"
