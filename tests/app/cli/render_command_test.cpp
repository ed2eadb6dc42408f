// Projects rendered by the real program: once, twice, by two at once, killed in the middle.
#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "tests/app/cli/program_run.h"

#include <QElapsedTimer>
#include <QFile>
#include <QRegularExpression>
#include <QTest>

#include <csignal>
#include <map>
#include <set>
#include <thread>

using namespace kinora;
using namespace kinora::app;

namespace {

void write(const QString& path, const QByteArray& bytes) {
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(bytes);
}

QByteArray contentOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

// A project of `count` pictures of two steps each, "p.kinora".
void makeProject(const Home& home, int count, const QByteArray& steps = "2") {
    write(home.path("t.csv"), "prompt,steps\n3d emoji of red apple," + steps + "\n");
    const Run made = home.run({"project", "batch", "t.csv", "--output", "p.kinora", "--seed", "7",
                               "--count", QString::number(count)});
    QVERIFY2(made.code == 0, made.err.constData());
}

QStringList pictures(const Home& home, const QString& folder = "p.results") {
    QStringList found;
    // What was being written when it was killed lies there, hidden, for a while.
    const QRegularExpression written("/\\.kinora-[0-9a-f]+\\.tmp$");
    for (const QString& file : home.files())
        if (file.startsWith(folder + "/") && !file.contains(written)) found << file;
    return found;
}

// File: hash of its pixels.
std::map<std::string, std::string> hashes(const Home& home, const QString& folder = "p.results") {
    std::map<std::string, std::string> all;
    for (const QString& file : pictures(home, folder)) {
        const auto image = core::loadImage(home.path(file).toStdString());
        all[file.mid(folder.size() + 1).toStdString()] =
            image ? core::pixelHash(*image) : image.error().message();
    }
    return all;
}

int stateCount(const Run& run, const std::string& state) {
    int count = 0;
    for (const auto& event : run.events())
        if (event.value("event", "") == "task" && event.value("state", "") == state) ++count;
    return count;
}

int resultCount(const Run& run) {
    int count = 0;
    for (const auto& event : run.events())
        if (event.value("event", "") == "result") ++count;
    return count;
}

bool waitForPictures(const Home& home, int count) {
    QElapsedTimer timer;
    timer.start();
    const auto there = [&] { // leases end otherwise
        return pictures(home).filter(QRegularExpression("\\.png$")).size();
    };
    while (there() < count && timer.elapsed() < 60'000)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return there() >= count;
}

} // namespace

class RenderCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void theSecondRunDoesNothingAndPicturesAreThoseOfSingleRuns() {
        const Home home;
        makeProject(home, 3);
        const Run first = home.run({"render", "p.kinora", "--json"});
        QVERIFY2(first.code == 0, first.err.constData());
        QCOMPARE(first.schemaBreach(), QString());
        QCOMPARE(first.event("render")["made"].get<int>(), 3);
        QCOMPARE(first.events().back()["event"].get<std::string>(), std::string("render"));
        const auto made = hashes(home);
        QCOMPARE(made.size(), size_t{3});
        const QByteArray history = contentOf(home.path("p.history"));
        const Run second = home.run({"render", "p.kinora", "--json"});
        QCOMPARE(second.code, 0);
        QCOMPARE(second.schemaBreach(), QString());
        QCOMPARE(second.event("render")["made"].get<int>(), 0);
        QCOMPARE(second.event("render")["present"].get<int>(), 3);
        QCOMPARE(contentOf(home.path("p.history")), history);
        const Run text = home.run({"render", "."});
        QCOMPARE(text.out, QByteArray());
        // The same by hand.
        for (int task = 0; task < 3; ++task) {
            const Run single = home.run({"image", "--prompt", "3d emoji of red apple", "--steps",
                                         "2", "--seed", QString::number(7 + task), "--output",
                                         "one.png", "--overwrite", "--json"});
            const std::string name = "0000" + std::to_string(task) + "-3d_emoji_of_red_apple-" +
                                     std::to_string(7 + task) + ".png";
            QVERIFY(made.contains(name));
            QCOMPARE(made.at(name), single.event("result")["sha256"].get<std::string>());
        }
        QCOMPARE(pictures(home).size(), 3); // nothing else is left there
    }

    void withoutAHistoryTheFilesSpeakForThemselves() {
        const Home home;
        makeProject(home, 2);
        QCOMPARE(home.run({"render", "p.kinora"}).code, 0);
        QVERIFY(QFile::remove(home.path("p.history")));
        QVERIFY(QFile::remove(home.path("p.history.index")));
        const Run second = home.run({"render", "p.kinora", "--json"});
        QCOMPARE(second.event("render")["present"].get<int>(), 2);
    }

    void aLostHistoryIsRebuilt_data() {
        QTest::addColumn<int>("kept");
        QTest::newRow("lost") << -1;
        QTest::newRow("emptied") << 0;
        QTest::newRow("cut off in its second line") << 1;
    }
    void aLostHistoryIsRebuilt() {
        QFETCH(int, kept); // lines
        const Home home;
        makeProject(home, 3);
        QCOMPARE(home.run({"render", "p.kinora"}).code, 0);
        const QString history = home.path("p.history");
        const QByteArray whole = contentOf(history);
        QVERIFY(QFile::remove(history));
        if (kept >= 0) write(history, whole.left(kept == 0 ? 0 : whole.indexOf('\n') + 20));
        QCOMPARE(home.run({"project", "rate", "p.kinora", "2", "4"}).code, 2);
        const Run again = home.run({"render", "p.kinora", "--json"});
        QCOMPARE(again.event("render")["present"].get<int>(), 3);
        const int lines = kept == 1 ? 4 : 3; // the one that was cut off stays
        QCOMPARE(contentOf(history).count('\n'), lines);
        QCOMPARE(home.run({"project", "rate", "p.kinora", "2", "4"}).code, 0);
        // It tells the same of each file as before.
        for (const QByteArray& line : whole.split('\n')) {
            if (line.isEmpty()) continue;
            const auto event = nlohmann::json::parse(line.toStdString());
            for (const char* name : {"file", "request", "pixels", "fileHash"})
                QVERIFY(contentOf(history).contains(
                    QByteArray::fromStdString(event[name].get<std::string>())));
        }
        QCOMPARE(home.run({"render", "p.kinora"}).code, 0);
        QCOMPARE(contentOf(history).count('\n'), lines + 1); // the stars
    }

    void severalRebuildALostHistoryOnce() {
        const Home home;
        makeProject(home, 12);
        QCOMPARE(home.run({"render", "p.kinora"}).code, 0);
        QVERIFY(QFile::remove(home.path("p.history")));
        QProcess first, second;
        home.start(first, {"render", "p.kinora"});
        home.start(second, {"render", "p.kinora"});
        const Run a = Home::finish(first), b = Home::finish(second);
        QVERIFY2(a.code == 0 && b.code == 0, (a.err + b.err).constData());
        QCOMPARE(contentOf(home.path("p.history")).count('\n'), 12);
        QCOMPARE(pictures(home).size(), 12); // no lease
    }

    void aHistoryThatIsNoFileIsTold() {
        const Home home;
        makeProject(home, 1);
        QVERIFY(QDir().mkpath(home.path("p.history")));
        for (int run = 0; run < 2; ++run) { // made, and there
            const Run rendered = home.run({"render", "p.kinora"});
            QCOMPARE(rendered.code, 0);
            QVERIFY2(rendered.errHas("p.history: is a folder"), rendered.err.constData());
        }
        QVERIFY(home.run({"info", "p.kinora"}).errHas("p.history: is a folder"));
        QVERIFY(QDir().rmdir(home.path("p.history")));
        QVERIFY(QFile::link(home.path("gone"), home.path("p.history")));
        QVERIFY(home.run({"render", "p.kinora"}).errHas("p.history: is a symbolic link"));
        QVERIFY(!QFile::exists(home.path("gone")));
    }

    void aFileThatIsAnotherPictureIsNeverReplacedUnasked() {
        const Home home;
        makeProject(home, 2);
        QCOMPARE(home.run({"render", "p.kinora"}).code, 0);
        const QString name = "p.results/00000-3d_emoji_of_red_apple-7.png";
        const QByteArray good = contentOf(home.path(name));
        write(home.path(name), "mine");
        const Run refused = home.run({"render", "p.kinora", "--json"});
        QCOMPARE(refused.code, 1);
        QCOMPARE(contentOf(home.path(name)), QByteArray("mine"));
        QCOMPARE(refused.event("render")["failed"].get<int>(), 1);
        QCOMPARE(refused.event("render")["present"].get<int>(), 1);
        // The other parameters make other pictures: those of before do not answer.
        QCOMPARE(home.run({"render", "p.kinora", "--set", "steps=3"}).code, 1);
        const Run replaced = home.run({"render", "p.kinora", "--overwrite", "--json"});
        QVERIFY2(replaced.code == 0, replaced.err.constData());
        QCOMPARE(replaced.event("render")["made"].get<int>(), 1);
        QCOMPARE(contentOf(home.path(name)), good);
        // One bit of the pixels is enough.
        QByteArray cut = good;
        cut.chop(30);
        write(home.path(name), cut);
        QCOMPARE(home.run({"render", "p.kinora"}).code, 1);
    }

    void twoAtOnceShareTheWork() {
        const Home home;
        makeProject(home, 16);
        QProcess first, second;
        const QStringList render{"render", "p.kinora", "--json", "--threads", "1"};
        home.start(first, render);
        home.start(second, render);
        const Run a = Home::finish(first), b = Home::finish(second);
        QVERIFY2(a.code == 0 && b.code == 0, (a.err + b.err).constData());
        QCOMPARE(resultCount(a) + resultCount(b), 16); // each once
        QVERIFY2(resultCount(a) > 0 && resultCount(b) > 0,
                 qPrintable(QString("%1 and %2").arg(resultCount(a)).arg(resultCount(b))));
        for (const Run* run : {&a, &b}) {
            const auto end = run->event("render");
            QCOMPARE(end["made"].get<int>() + end["present"].get<int>(), 16);
            QCOMPARE(end["failed"].get<int>(), 0);
        }
        std::set<std::string> files;
        for (const Run* run : {&a, &b})
            for (const auto& event : run->events())
                if (event.value("event", "") == "result")
                    QVERIFY(files.insert(event["file"].get<std::string>()).second);
        QCOMPARE(pictures(home).size(), 16);
        QCOMPARE(contentOf(home.path("p.history")).count('\n'), 16);
    }

    void killedInTheMiddleItIsFinishedByTheSameCommand() {
        const Home whole;
        makeProject(whole, 6);
        QCOMPARE(whole.run({"render", "p.kinora"}).code, 0);
        const Home home;
        makeProject(home, 6);
        for (int kill = 0; kill < 2; ++kill) {
            QProcess process;
            home.start(process, {"render", "p.kinora"});
            QVERIFY(process.waitForStarted());
            QVERIFY(waitForPictures(home, 2 * kill + 1));
            ::kill(static_cast<pid_t>(process.processId()), SIGKILL);
            process.waitForFinished();
        }
        const Run last = home.run({"render", "p.kinora", "--json"});
        QVERIFY2(last.code == 0, last.err.constData());
        QVERIFY(last.event("render")["present"].get<int>() >= 3);
        QCOMPARE(pictures(home), pictures(whole)); // no lease, no temporary file
        QVERIFY(hashes(home) == hashes(whole));
    }

    void aWorkerThatIsKilledCostsNoTask() {
        const Home whole;
        makeProject(whole, 4, "40");
        QCOMPARE(whole.run({"render", "p.kinora"}).code, 0);
        const Home home;
        makeProject(home, 4, "40");
        QProcess process;
        home.start(process, {"render", "p.kinora", "--json"});
        QVERIFY(process.waitForStarted());
        QByteArray out;
        const QRegularExpression step("\"event\":\"step\"[^\n]*\"task\":1}");
        QVERIFY(QTest::qWaitFor( // in the midst of the second one
            [&] {
                out += process.readAllStandardOutput();
                return QString::fromUtf8(out).contains(step);
            },
            60'000));
        int killed = 0;
        const QDir threads(QString("/proc/%1/task").arg(process.processId()));
        for (const QString& thread : threads.entryList(QDir::Dirs | QDir::NoDotAndDotDot)) {
            QFile list(threads.filePath(thread + "/children"));
            if (!list.open(QIODevice::ReadOnly)) continue;
            for (const QByteArray& child : list.readAll().split(' '))
                if (child.toInt() > 0 && ::kill(child.toInt(), SIGKILL) == 0) ++killed;
        }
        QVERIFY(killed > 0);
        Run run = Home::finish(process);
        run.out = out + run.out;
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(resultCount(run), 4);
        QVERIFY2(run.errHas("goes on from step") || run.errHas("begins again"), run.err);
        QVERIFY(hashes(home) == hashes(whole));
    }

    void interruptedItEndsWithinASecondAndSaysSo() {
        const Home home;
        makeProject(home, 50, "200");
        QProcess process;
        home.start(process, {"render", "p.kinora", "--json"});
        QVERIFY(process.waitForStarted());
        QVERIFY(waitForPictures(home, 1));
        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        const Run run = Home::finish(process);
        QVERIFY2(timer.elapsed() < 10'000, qPrintable(QString::number(timer.elapsed())));
        qInfo("ended after %lld ms", static_cast<long long>(timer.elapsed()));
        QCOMPARE(run.code, 130);
        QCOMPARE(run.events().back()["event"].get<std::string>(), std::string("cancelled"));
        for (const QString& file : pictures(home))
            QVERIFY2(!file.endsWith(".lease"), qPrintable(file));
    }

    void choosesTasks() {
        const Home home;
        write(home.path("a.txt"), "3d emoji of fox\n3d emoji of cat\n");
        write(home.path("b.jsonl"), "{\"prompt\":\"flat emoji of fox\",\"seed\":5}\n");
        QCOMPARE(home.run({"project", "batch", "a.txt", "--output", "p.kinora", "--set", "steps=1",
                           "--seed", "1"})
                     .code,
                 0);
        QCOMPARE(home.run({"project", "add", "p.kinora", "b.jsonl"}).code, 0);
        const Run only = home.run({"render", "p.kinora", "--only", "b"});
        QVERIFY2(only.code == 0, only.err.constData());
        QCOMPARE(only.out, QByteArray("p.results/00002-flat_emoji_of_fox-5.png\n"));
        const Run one = home.run({"render", "p.kinora", "--task", "1", "--out", "elsewhere"});
        QCOMPARE(one.out, QByteArray("elsewhere/00001-3d_emoji_of_cat-2.png\n"));
        const Run range = home.run({"render", "p.kinora", "--task", "0-1", "--resume"});
        QCOMPARE(range.out.count('\n'), 2);
        for (const char* wrong : {"3", "1-0", "-1", "x", "0-3"})
            QCOMPARE(home.run({"render", "p.kinora", QString("--task=%1").arg(wrong)}).code, 2);
        const Run near = home.run({"render", "p.kinora", "--only", "bb"});
        QCOMPARE(near.code, 2);
        QVERIFY(near.errHas("there is no batch 'bb'"));
    }

    void saysWhatItComesToBefore() {
        const Home home;
        makeProject(home, 5);
        const Run text = home.run({"render", "p.kinora", "--dry-run"});
        QVERIFY2(text.code == 0, text.err.constData());
        for (const char* part : {"Tasks      5, 0 of them", "5 pictures of 128 x 128, 2 steps",
                                 "Time", "Disk", "Energy", " Wh at "})
            QVERIFY2(text.out.contains(part), text.out.constData());
        const Run json = home.run({"render", "p.kinora", "--dry-run", "--json"});
        QCOMPARE(json.schemaBreach(), QString());
        QCOMPARE(json.events().size(), size_t{1});
        const auto estimate = json.event("estimate");
        QVERIFY(estimate["predictedSeconds"].get<double>() > 0);
        QCOMPARE(estimate["predictedBytes"].get<int64_t>(), int64_t{5 * 128 * 128 * 9 / 5});
        QCOMPARE(pictures(home), QStringList());
        // Half of them are there: half is left.
        QCOMPARE(home.run({"render", "p.kinora", "--task", "0-1"}).code, 0);
        const auto left = home.run({"render", "p.kinora", "--dry-run", "--json"}).event("estimate");
        QCOMPARE(left["present"].get<int>(), 2);
        QCOMPARE(left["kinds"][0]["tasks"].get<int>(), 3);
    }

    // One task that cannot be made keeps no other from it.
    void whatCannotBePlannedFailsAlone() {
        const Home home;
        write(home.path("t.csv"), "prompt,steps,model,device\n"
                                  "3d emoji of fox,2,,\n"
                                  "3d emoji of fox,2,not-here,\n" // cannot be prepared
                                  "3d emoji of fox,2,,cuda\n"     // nor be planned
                                  "3d emoji of cat,2,,\n");
        QCOMPARE(
            home.run({"project", "batch", "t.csv", "--output", "p.kinora", "--seed", "1"}).code, 0);
        const Run dry = home.run({"render", "p.kinora", "--dry-run", "--json"});
        QVERIFY2(dry.code == 0, dry.err.constData());
        QCOMPARE(dry.schemaBreach(), QString());
        QCOMPARE(dry.event("estimate")["impossible"].get<int>(), 2);
        QCOMPARE(dry.event("estimate")["kinds"][0]["tasks"].get<int>(), 2);
        QVERIFY(home.run({"render", "p.kinora", "--dry-run"}).errHas("not-here"));
        const Run run = home.run({"render", "p.kinora", "--json"});
        QCOMPARE(run.schemaBreach(), QString());
        QCOMPARE(run.code, 1);
        QCOMPARE(run.event("render")["made"].get<int>(), 2);
        QCOMPARE(run.event("render")["failed"].get<int>(), 2);
        QCOMPARE(pictures(home).size(), 2);
        // The process that computes has the model; the one that is asked has not.
        QVERIFY(run.event("result")["peakBytes"].get<int64_t>() >
                dry.event("estimate")["kinds"][0]["predictedPeakBytes"].get<int64_t>() / 2);
        // Where nothing at all can be made, that is said at once.
        QCOMPARE(home.run({"render", "p.kinora", "--task", "1"}).code, 2);
    }

    void setOverridesForThisRun() {
        const Home home;
        makeProject(home, 1);
        const Run run = home.run({"render", "p.kinora", "--set", "guidance-rescale=0.25", "--set",
                                  "cfg=2", "--out", "o"});
        QVERIFY2(run.code == 0, run.err.constData());
        const auto info = core::readPictureInfo(home.path(pictures(home, "o")[0]).toStdString());
        QCOMPARE(*info->request->cfg, 2.0);
        QCOMPARE(*info->request->guidanceRescale, 0.25);
        for (const char* wrong : {"stepz=3", "steps", "=3", "count=2", "steps=many"})
            QCOMPARE(home.run({"render", "p.kinora", "--set", wrong, "--out", "o2"}).code, 2);
    }

    void gridsGetASheetOnce() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n");
        QCOMPARE(home.run({"project", "batch", "t.txt", "--output", "p.kinora", "--grid", "cfg=1,3",
                           "--grid", "steps=1,2", "--seed", "1"})
                     .code,
                 0);
        const Run first = home.run({"render", "p.kinora", "--json"});
        QVERIFY2(first.code == 0, first.err.constData());
        QCOMPARE(first.schemaBreach(), QString());
        QCOMPARE(stateCount(first, "sheet"), 1);
        const QString sheet = home.path("p.results/sheet-t-00000.png");
        const auto image = core::loadImage(sheet.toStdString());
        QVERIFY(image);
        QCOMPARE(image->width, 2 * (128 + 8) + 8);
        QCOMPARE(stateCount(home.run({"render", "p.kinora", "--json"}), "sheet"), 0);
        QVERIFY(QFile::remove(home.path("p.history"))); // it is known again
        const Run found = home.run({"render", "p.kinora", "--json"});
        QCOMPARE(stateCount(found, "sheet"), 0);
        QVERIFY2(!found.errHas("contact sheet"), found.err.constData());
        QVERIFY(contentOf(home.path("p.history")).contains("sheet-t-00000.png"));
        // Other pictures: the sheet is made anew, but somebody's own file is kept.
        QCOMPARE(home.run({"render", "p.kinora", "--set", "seed=9", "--overwrite"}).code, 0);
        write(sheet, "mine");
        const Run kept = home.run({"render", "p.kinora"});
        QVERIFY(kept.errHas("A contact sheet was not made"));
        QCOMPARE(contentOf(sheet), QByteArray("mine"));
    }

    void anotherModelOfTheNameIsRefused() {
        const Home home;
        makeProject(home, 1);
        QByteArray project = contentOf(home.path("p.kinora"));
        const auto at = project.indexOf("sha256:") + 7;
        project[at] = project[at] == '0' ? '1' : '0';
        write(home.path("p.kinora"), project);
        const Run run = home.run({"render", "p.kinora"});
        QCOMPARE(run.code, 2);
        QVERIFY2(run.errHas("is not the one that the project was made with"), run.err.constData());
        QCOMPARE(pictures(home), QStringList());
    }

    void startLatentsComeFromTheProjectsAssets() {
        const Home home;
        const auto image = [&](const QStringList& more) {
            return home.run(QStringList{"image", "--prompt", "3d emoji of fox", "--steps", "1",
                                        "--seed", "3", "--json", "--overwrite"} +
                            more);
        };
        QCOMPARE(image({"--save-latents", "n.safetensors", "--output", "x.png"}).code, 0);
        const Run single = image({"--latents", "n.safetensors", "--output", "x.png"});
        QVERIFY2(single.code == 0, single.err.constData());
        write(home.path("t.csv"), "prompt,steps,seed,latents\n3d emoji of fox,1,3,n.safetensors\n");
        const Run made = home.run({"project", "batch", "t.csv", "--output", "p.kinora"});
        QVERIFY2(made.code == 0, made.err.constData());
        QVERIFY(QFile::remove(home.path("n.safetensors")));
        const Run run = home.run({"render", "p.kinora", "--json"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.event("result")["sha256"].dump(), single.event("result")["sha256"].dump());
        QCOMPARE(home.run({"render", "p.kinora", "--json"}).event("render")["present"].get<int>(),
                 1);
    }

    // A picture to begin from and a mask are kept with the project, and continued at its sides.
    void startPicturesComeFromTheProjectsAssets_data() {
        QTest::addColumn<QByteArray>("column");
        QTest::addColumn<QStringList>("option");
        QTest::newRow("mask") << QByteArray("mask,m.png") << QStringList{"--mask", "m.png"};
        QTest::newRow("outpaint") << QByteArray("outpaint,\"0,0,64,0\"")
                                  << QStringList{"--outpaint", "0,0,64,0"};
    }
    void startPicturesComeFromTheProjectsAssets() {
        QFETCH(QByteArray, column);
        QFETCH(QStringList, option);
        const Home home;
        const auto image = [&](const QStringList& more) {
            return home.run(QStringList{"image", "--prompt", "3d emoji of fox", "--steps", "2",
                                        "--seed", "3", "--json"} +
                            more);
        };
        for (const char* name : {"i.png", "m.png"})
            QCOMPARE(image({"--width", "64", "--height", "64", "--output", name}).code, 0);
        const Run single = image(QStringList{"--init", "i.png", "--output", "x.png"} + option);
        QVERIFY2(single.code == 0, single.err.constData());
        const QList<QByteArray> cell{column.left(column.indexOf(',')),
                                     column.mid(column.indexOf(',') + 1)};
        write(home.path("t.csv"), "prompt,steps,seed,init," + cell[0] +
                                      "\n3d emoji of fox,2,3,i.png," + cell[1] + "\n");
        const Run made = home.run({"project", "batch", "t.csv", "--output", "p.kinora"});
        QVERIFY2(made.code == 0, made.err.constData());
        for (const char* name : {"i.png", "m.png"}) QVERIFY(QFile::remove(home.path(name)));
        const Run run = home.run({"render", "p.kinora", "--json"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.event("result")["sha256"].dump(), single.event("result")["sha256"].dump());
        QVERIFY(QFile::remove(home.path("p.history"))); // the file speaks for itself
        QCOMPARE(home.run({"render", "p.kinora", "--json"}).event("render")["present"].get<int>(),
                 1);
    }

    void refusesProjectsThatAreNone() {
        const Home home;
        write(home.path("bad.kinora"), "{");
        write(home.path("empty.kinora"),
              "{\"format\":\"kinora-project\",\"version\":1,\"batches\":[]}");
        write(home.path("new.kinora"), "{\"format\":\"kinora-project\",\"version\":9}");
        for (const char* name :
             {"bad.kinora", "empty.kinora", "new.kinora", "none.kinora", "x.png"})
            QCOMPARE(home.run({"render", name}).code, 2);
        QVERIFY(home.run({"render", "new.kinora"}).errHas("newer version"));
        QVERIFY(home.run({"render", "."}).errHas("more than one project"));
    }
};

QTEST_GUILESS_MAIN(RenderCommandTest)
#include "render_command_test.moc"
