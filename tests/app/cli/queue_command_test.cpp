// The real program with the starter model: jobs added, listed, worked through, and killed at any
// moment.
#include "tests/app/cli/program_run.h"

#include <QElapsedTimer>
#include <QRandomGenerator>
#include <QTest>

#include <csignal>
#include <map>

using namespace kinora::app;

namespace {

QStringList add(const QStringList& more) {
    return QStringList{"queue", "add", "--prompt", "3d emoji of a red apple", "--steps", "2"} +
           more;
}

// The decoded pixels, by picture: what `info` reads from the file.
std::string hashIn(const Home& home, const QString& file) {
    const Run run = home.run({"info", file, "--json"});
    return run.event("info").dump();
}

} // namespace

class QueueCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void whatIsAddedIsListedAndMade() {
        const Home home;
        const Run added = home.run(add({"--seed", "1", "--count", "2", "--output", "a.png"}));
        QVERIFY2(added.code == 0, added.err.constData());
        QCOMPARE(added.out, QByteArray("1\n"));
        QVERIFY(home.files().isEmpty()); // nothing is made yet
        const Run list = home.run({"queue", "list"});
        QVERIFY(list.out.contains("waiting") && list.out.contains("red apple"));
        QVERIFY2(list.err.contains("; 1 job whose time is not known yet."), list.err.constData());
        const Run run = home.run({"queue", "run"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(home.files(), (QStringList{"a-1.png", "a-2.png"}));
        QCOMPARE(run.out, (home.path("a-1.png") + "\n" + home.path("a-2.png") + "\n").toUtf8());
        QVERIFY(home.run({"queue", "list"}).out.isEmpty());
        QVERIFY(home.run({"queue", "list", "--state", "all"}).out.contains("2 of 2"));
        const Run again = home.run({"queue", "run"});
        QVERIFY(again.code == 0 && again.out.isEmpty());
    }

    // The queue refuses what is not absolute: it may be worked through from another folder.
    void picturesToBeginFromMayBeNamedFromHere() {
        const Home home;
        for (const char* name : {"in.png", "mask.png"})
            QVERIFY(QFile(home.path(QString::fromLatin1(name))).open(QIODevice::WriteOnly));
        const Run added = home.run(add({"--init", "in.png", "--mask", "mask.png"}));
        QVERIFY2(added.code == 0, added.err.constData());
        QVERIFY(QFile::remove(home.path("in.png")));
        const Run edited = home.run({"queue", "edit", "1", "--priority", "1"});
        QVERIFY2(edited.code == 0, edited.err.constData()); // what is not named is not looked at
    }

    void aFileThatIsNotThereIsToldOfAtOnce() {
        const Home home;
        QCOMPARE(home.run(add({"--output", "first.png"})).code, 0);
        for (const QStringList& input :
             {QStringList{"--init", "nosuch.png"}, QStringList{"--latents", "nosuch.png"},
              QStringList{"--init", "first.png", "--mask", "nosuch.png"},
              QStringList{"--control", "net", "--control-image", "nosuch.png"},
              QStringList{"--adapter", "net", "--adapter-image", "nosuch.png"},
              QStringList{"--ip-adapter", "face:nosuch.png"}})
            for (const QStringList& words :
                 {add(input), QStringList{"queue", "edit", "1"} + input}) {
                const Run run = home.run(words);
                QCOMPARE(run.code, 2);
                QVERIFY2(run.errHas("nosuch.png: there is no such file"), run.err.constData());
            }
        QCOMPARE(home.run({"queue", "list", "--json"}).event("queue")["waiting"].get<int>(), 1);
        // Another job makes it.
        const Run second = home.run(add({"--init", "first.png", "--after", "1"}));
        QVERIFY2(second.code == 0, second.err.constData());
    }

    void makesTheSamePicturesAsImage() {
        const Home home;
        const Run alone = home.run({"image", "--prompt", "3d emoji of a red apple", "--steps", "2",
                                    "--seed", "7", "--output", "alone.png", "--json"});
        home.run(add({"--seed", "6", "--count", "2", "--output", "q.png"}));
        const Run run = home.run({"queue", "run", "--json"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.event("result")["sha256"].dump(), alone.event("result")["sha256"].dump());
    }

    void eventsFollowTheSchemaAndEndWithTheQueue() {
        const Home home;
        for (const QStringList& words :
             {add({"--seed", "1", "--output", "a.png", "--project", "p", "--priority", "3"}),
              QStringList{"queue", "list"}, QStringList{"queue", "run"},
              QStringList{"queue", "show", "1"}, QStringList{"queue", "list", "--state", "all"},
              QStringList{"queue", "pause"}, QStringList{"queue", "resume"},
              QStringList{"queue", "clear"}}) {
            const Run run = home.run(words + QStringList{"--json"});
            QVERIFY2(run.code == 0, run.err.constData());
            QCOMPARE(run.schemaBreach(), QString());
            QCOMPARE(run.events().back()["event"].get<std::string>(),
                     std::string(words[1] == u"show" ? "job" : "queue"));
        }
    }

    void aJobIsShownWithAllThatItAsksFor() {
        const Home home;
        home.run(
            add({"--seed", "5", "--hires", "1.5", "--hires-steps", "7", "--negative", "grey"}));
        const Run run = home.run({"queue", "show", "1"});
        QVERIFY2(run.code == 0, run.err.constData());
        for (const char* value : {"3d emoji of a red apple", "1.5", " 7\n", "grey"})
            QVERIFY2(run.out.contains(value), run.out.constData());
        const auto job = home.run({"queue", "show", "1", "--json"}).event("job");
        QCOMPARE(job["request"]["hiresSteps"].dump(), std::string("7"));
    }

    void aJobIsARowOfTheListWhateverItsPromptHolds() {
        const Home home;
        home.run({"queue", "add", "--prompt", "a fox\nin\tthe \x1b[31msnow", "--project", "a\nb"});
        const Run list = home.run({"queue", "list"});
        QCOMPARE(list.out.count('\n'), 2); // with the header
        QVERIFY2(list.out.contains("  a b  ") && list.out.contains("a fox in the \xef\xbf\xbd[31m"),
                 list.out.constData());
    }

    void namesOfTheQueueAreTakenAndNumbered() {
        const Home home;
        home.run(add({"--seed", "5"}));
        home.run(add({"--seed", "6"}));
        home.run(add({"--seed", "1", "--output", "a.png"}));
        const Run twice = home.run(add({"--seed", "2", "--output", "a.png"}));
        QCOMPARE(twice.code, 2);
        QVERIFY(twice.errHas("another job"));
        QVERIFY(home.run({"queue", "run"}).code == 0);
        QCOMPARE(home.files(),
                 (QStringList{"Pictures/Kinora/00001-3d_emoji_of_a_red_apple-5.png",
                              "Pictures/Kinora/00002-3d_emoji_of_a_red_apple-6.png", "a.png"}));
    }

    void aFileThatCameMeanwhileIsKept() {
        const Home home;
        home.run(add({"--seed", "1", "--output", "a.png"}));
        QFile mine(home.path("a.png"));
        QVERIFY(mine.open(QIODevice::WriteOnly) && mine.write("mine") == 4);
        mine.close();
        const Run run = home.run({"queue", "run"});
        QCOMPARE(run.out, (home.path("a-2.png") + "\n").toUtf8());
        QVERIFY(mine.open(QIODevice::ReadOnly));
        QCOMPARE(mine.readAll(), QByteArray("mine"));
    }

    void jobsArePausedMovedEditedAndCancelled() {
        const Home home;
        const auto ok = [&](const QStringList& words) {
            const Run run = home.run(QStringList{"queue"} + words);
            if (run.code != 0) qWarning("%s", run.err.constData());
            return run.code == 0;
        };
        for (const char* name : {"a.png", "b.png", "c.png", "d.png"})
            home.run(add({"--seed", "1", "--output", QString::fromLatin1(name)}));
        QVERIFY(ok({"pause", "1"}) && ok({"cancel", "2"}));
        QVERIFY(ok({"move", "4", "--before", "3"}));
        QVERIFY(ok({"edit", "4", "--seed", "9", "--priority", "1", "--prompt", "a fox"}));
        QVERIFY(!ok({"resume", "2"}) && !ok({"pause", "99"}) && !ok({"cancel"}));
        const Run run = home.run({"queue", "run", "--json"});
        std::vector<std::string> made;
        for (const auto& event : run.events())
            if (event["event"] == "result")
                made.push_back(event["file"].get<std::string>() + " " + event["seed"].dump());
        QCOMPARE(made, (std::vector<std::string>{home.path("d.png").toStdString() + " 9",
                                                 home.path("c.png").toStdString() + " 1"}));
        QVERIFY(ok({"resume", "1"}) && ok({"retry", "2"}));
        QCOMPARE(home.run({"queue", "run"}).code, 0);
        QCOMPARE(home.files(), (QStringList{"a.png", "b.png", "c.png", "d.png"}));
    }

    // Its folder, its names, and that it may replace a file.
    void whatIsNotEditedStays() {
        const Home home;
        QVERIFY(QDir().mkdir(home.path("out")));
        QFile mine(home.path("out/a.png"));
        QVERIFY(mine.open(QIODevice::WriteOnly) && mine.write("mine") == 4);
        mine.close();
        home.run(add({"--seed", "1", "--output", "out/a.png", "--overwrite"}));
        const Run counted = home.run({"queue", "edit", "1", "--count", "2"});
        QVERIFY2(counted.code == 0, counted.err.constData());
        // Its own name is no other job's.
        const Run named = home.run({"queue", "edit", "1", "--count", "1", "--output", "out/a.png"});
        QVERIFY2(named.code == 0, named.err.constData());
        QCOMPARE(home.run({"queue", "edit", "1", "--count", "2"}).code, 0);
        const Run run = home.run({"queue", "run"});
        QCOMPARE(run.out,
                 (home.path("out/a.png") + "\n" + home.path("out/a-2.png") + "\n").toUtf8());
        QVERIFY(mine.open(QIODevice::ReadOnly));
        QVERIFY(mine.readAll().startsWith("\x89PNG"));
    }

    void wrongUsesAreToldInWords_data() {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<QByteArray>("said");
        const auto row = [](const QStringList& words, const char* said) {
            QTest::addRow("%s", qPrintable(words.join(u' '))) << words << QByteArray(said);
        };
        row({"add"}, "prompt");
        row({"add", "--prompt", "a", "--save-latents", "l"}, "save-latents");
        row({"add", "--prompt", "a", "--after", "12"}, "no job 12");
        row({"add", "--prompt", "a", "--priority", "1000"}, "priority");
        row({"add", "apple"}, "--prompt");
        row({"show"}, "one job");
        row({"show", "apple"}, "number");
        row({"edit", "3", "--steps", "4"}, "no job 3");
        row({"edit", "3"}, "nothing to change");
        row({"pause", "--state", "failed"}, "--state");
        row({"run", "99"}, "99");
        row({"jump"}, "jump");
        row({"list", "--state", "glad"}, "glad");
    }
    void wrongUsesAreToldInWords() {
        QFETCH(QStringList, words);
        QFETCH(QByteArray, said);
        const Home home;
        const Run run = home.run(QStringList{"queue"} + words);
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(said), run.err.constData());
    }

    void aSecondRunIsToldWhoWorks() {
        const Home home;
        QProcess owner;
        home.start(owner, {"queue", "run", "--wait"});
        QVERIFY(QTest::qWaitFor(
            [&] {
                return home.run({"queue", "list", "--json"}).event("queue")["owner"] ==
                       owner.processId();
            },
            20'000));
        const Run second = home.run({"queue", "run"});
        QCOMPARE(second.code, 75);
        QVERIFY(second.errHas(QByteArray::number(owner.processId()).constData()));
        // And takes what is added beside it.
        QCOMPARE(home.run(add({"--seed", "1", "--output", "a.png"})).code, 0);
        QVERIFY(QTest::qWaitFor([&] { return home.files().contains("a.png"); }, 30'000));
        ::kill(static_cast<pid_t>(owner.processId()), SIGINT);
        QCOMPARE(Home::finish(owner).code, 130);
    }

    void interruptedItLeavesWithinASecondAndGoesOn() {
        const Home home;
        home.run({"queue", "add", "--prompt", "a fox", "--steps", "500", "--seed", "1", "--output",
                  "a.png"});
        QProcess process;
        home.start(process, {"queue", "run", "--json"});
        QByteArray out;
        QVERIFY(QTest::qWaitFor(
            [&] {
                out += process.readAllStandardOutput();
                return out.contains("\"step\"");
            },
            60'000));
        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(30'000));
        qInfo("left after %lld ms", timer.elapsed());
        QVERIFY(timer.elapsed() < 3000); // a busy machine included
        QCOMPARE(process.exitCode(), 130);
        QVERIFY(home.files().isEmpty());
        const Run show = home.run({"queue", "show", "1", "--json"});
        QCOMPARE(show.event("job")["state"].get<std::string>(), std::string("waiting"));
        QCOMPARE(show.event("job")["attempts"][0]["why"].get<std::string>(),
                 std::string("the studio was closed"));

        home.start(process, {"queue", "run", "--json"});
        out.clear();
        QVERIFY(QTest::qWaitFor(
            [&] {
                out += process.readAllStandardOutput();
                return out.contains("\"step\",\"step\"");
            },
            60'000));
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        Run again = Home::finish(process);
        again.out = out + again.out;
        QVERIFY(again.event("resumed").is_object());
        QVERIFY(again.event("resumed")["step"].get<int>() > 0); // not from the beginning
        QVERIFY2(again.errHas("Job 1 goes on from step "), again.err.constData());
    }

    // Bounded: so many kills, then it runs to the end.
    void killedAtAnyMomentEachPictureIsThereOnce() {
        const Home home;
        constexpr int kJobs = 6, kPictures = 2, kKills = 8;
        for (int job = 0; job < kJobs; ++job)
            QCOMPARE(home.run(add({"--seed", QString::number(100 * job), "--count",
                                   QString::number(kPictures), "--output",
                                   QStringLiteral("j%1.png").arg(job)}))
                         .code,
                     0);
        int killed = 0;
        for (int i = 0; i < kKills; ++i) {
            QProcess process;
            home.start(process, {"queue", "run"});
            if (process.waitForFinished(300 + QRandomGenerator::global()->bounded(1500))) break;
            ::kill(static_cast<pid_t>(process.processId()), SIGKILL);
            process.waitForFinished(30'000);
            ++killed;
        }
        qInfo("killed %d times", killed);
        const Run last = home.run({"queue", "run"});
        QVERIFY2(last.code == 0, last.err.constData());
        QStringList expected;
        for (int job = 0; job < kJobs; ++job)
            for (int picture = 1; picture <= kPictures; ++picture)
                expected << QStringLiteral("j%1-%2.png").arg(job).arg(picture);
        QCOMPARE(home.files(), expected); // nothing more: no second copy, nothing half written
        const Run queue = home.run({"queue", "list", "--state", "all", "--json"});
        QCOMPARE(queue.event("queue")["finished"].get<int>(), kJobs);
        // The files verify, and the queue knows the same hashes.
        QCOMPARE(home.run(QStringList{"verify"} + expected).code, 0);
        for (int job = 1; job <= kJobs; ++job) {
            const Run show = home.run({"queue", "show", QString::number(job), "--json"});
            for (const auto& item : show.event("job")["items"]) {
                const QString file = QString::fromStdString(item["file"].get<std::string>());
                QVERIFY(hashIn(home, file).find(item["pixelHash"].get<std::string>()) !=
                        std::string::npos);
            }
        }
    }
};

QTEST_GUILESS_MAIN(QueueCommandTest)
#include "queue_command_test.moc"
