// kinora project and what kinora info says of one.
#include "core/project/project_document.h"
#include "tests/app/cli/program_run.h"

#include <QFile>
#include <QTest>

#include <csignal>

using namespace kinora;
using namespace kinora::app;

namespace {

void write(const QString& path, const QByteArray& bytes) {
    QDir().mkpath(QFileInfo(path).path());
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(bytes);
}

QByteArray contentOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

core::ProjectDocument loaded(const Home& home, const QString& name = "p.kinora") {
    auto project = core::ProjectDocument::load(home.path(name).toStdString());
    if (!project) throw project.error();
    return *std::move(project);
}

// PNG with the "parameters" text of the web UIs, cut out of one that the program itself made.
const char* kA1111 = "a fox in the snow\nNegative prompt: blur\nSteps: 24, Sampler: Euler a, "
                     "CFG scale: 6.5, Seed: 99, Size: 512x640, Model: dreamshaper_8, "
                     "Clip skip: 2, Hires upscale: 2, Hires upscaler: Latent";

} // namespace

class ProjectCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void picturesAreRated() {
        const Home home;
        write(home.path("t.csv"), "prompt,steps\n3d emoji of fox,1\n3d emoji of cat,1\n");
        QCOMPARE(
            home.run({"project", "batch", "t.csv", "--output", "p.kinora", "--seed", "1"}).code, 0);
        const auto rate = [&](const QStringList& words) {
            return home.run(QStringList{"project", "rate", "p.kinora"} + words +
                            QStringList{"--json"});
        };
        QCOMPARE(rate({"0", "4"}).code, 2); // not made yet
        const Run rendered = home.run({"render", "p.kinora"});
        QVERIFY2(rendered.code == 0, rendered.err.constData());
        const QString second = QString::fromUtf8(rendered.out).split(u'\n').at(1);
        const Run first = rate({"0", "4"});
        QVERIFY2(first.code == 0, first.err.constData());
        QCOMPARE(first.schemaBreach(), QString());
        QCOMPARE(first.event("project")["rating"].get<int>(), 4);
        QCOMPARE(rate({second, "5"}).code, 0);
        const auto stars = [&](size_t task) {
            const Run info = home.run({"info", "p.kinora", "--json"});
            if (!info.schemaBreach().isEmpty()) return -1;
            return info.event("info")["tasks"][task]["rating"].get<int>();
        };
        QCOMPARE(stars(0), 4);
        QCOMPARE(stars(1), 5);
        QVERIFY(home.run({"info", "p.kinora"}).out.contains(" ***** "));
        QCOMPARE(rate({"1", "0"}).code, 0);
        QCOMPARE(stars(1), 0);
        for (const QStringList& wrong :
             {QStringList{"0", "6"}, {"0", "-1"}, {"0", "four"}, {"2", "3"}, {"x.png", "3"}, {"0"}})
            QCOMPARE(rate(wrong).code, 2);
        // Rendering again makes nothing and forgets nothing.
        QCOMPARE(home.run({"render", "p.kinora"}).out, QByteArray());
        QCOMPARE(stars(0), 4);
    }

    void aDamagedHistoryIsTold() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n");
        QCOMPARE(home.run({"project", "batch", "t.txt", "--output", "p.kinora"}).code, 0);
        QVERIFY(!home.run({"info", "p.kinora"}).errHas("damaged"));
        write(home.path("p.history"), "{\"event\":\"result\",\"task\":0,\"fi\n{}\n");
        for (const QStringList& words :
             {QStringList{"info", "p.kinora"}, {"project", "rate", "p.kinora", "0", "3"}}) {
            const Run run = home.run(words);
            QVERIFY2(run.errHas("2 lines are damaged"), run.err.constData());
        }
    }

    void aNegativeNumberIsNoOption() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n");
        QCOMPARE(home.run({"project", "batch", "t.txt", "--output", "p.kinora"}).code, 0);
        write(home.path("p.history"),
              "{\"event\":\"result\",\"task\":0,\"file\":\"a.png\",\"at\":\"2026\"}\n");
        const Run run = home.run({"project", "rate", "p.kinora", "0", "-1"});
        QCOMPARE(run.code, 2);
        QVERIFY2(run.errHas("'-1' is no number of stars"), run.err.constData());
    }

    // Files of --set are kept, and a net without a picture is refused before the night.
    void settingsMayNameFiles() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n");
        write(home.path("sub/canny.png"), "a picture");
        const QStringList batch{
            "project", "batch", "t.txt", "--output", "p.kinora", "--set", "control=canny:0.5"};
        const Run without = home.run(batch);
        QCOMPARE(without.code, 2);
        QVERIFY2(without.errHas("1 control and 0 pictures"), without.err.constData());
        QVERIFY(!QFile::exists(home.path("p.kinora")));
        const Run run = home.run(batch + QStringList{"--set", "control-image=sub/canny.png"});
        QVERIFY2(run.code == 0, run.err.constData());
        const std::string picture = loaded(home).task(0)->request.controlImages.at(0);
        QVERIFY2(picture.starts_with("asset:"), picture.c_str());
        QVERIFY(QFile::exists(home.path("p.assets/" + QString::fromStdString(picture.substr(6)))));
        const Run added = home.run(
            {"project", "add", "p.kinora", "t.txt", "--set", "ip-adapter=plus:sub/canny.png"});
        QVERIFY2(added.code == 0, added.err.constData());
        QCOMPARE(loaded(home).task(1)->request.ipAdapters.at(0),
                 "plus:asset:" + picture.substr(6) + ":1");
    }

    // What Kinora's own pictures do not carry with them is told, and not half asked for.
    void ownPicturesSayWhatTheyLack() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n");
        QCOMPARE(home.run({"project", "batch", "t.txt", "--output", "p.kinora"}).code, 0);
        const auto image = [&](const QStringList& more) {
            return home.run(QStringList{"image", "--prompt", "3d emoji of cat", "--steps", "2",
                                        "--width", "64", "--height", "64"} +
                            more);
        };
        QCOMPARE(image({"--output", "i.png"}).code, 0);
        const Run made = image({"--init", "i.png", "--outpaint", "0,0,64,0", "--output", "o.png"});
        QVERIFY2(made.code == 0, made.err.constData());
        const Run run = home.run({"project", "add", "p.kinora", "o.png"});
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY2(run.errHas("left out") && run.errHas("0,0,64,0") && run.errHas("sha256:"),
                 run.err.constData());
        const auto request = loaded(home).task(1)->request;
        QVERIFY(!request.outpaint && !request.strength);
        QCOMPARE(home.run({"render", "p.kinora"}).code, 0);
    }

    void aTableBecomesAProject() {
        const Home home;
        write(home.path("wildcards/animal.txt"), "fox\ncat\n");
        write(home.path("t.csv"), "prompt,cfg\n3d emoji of __animal__,3\n");
        const QStringList batch{"project", "batch", "t.csv", "--seed", "5", "--count", "4"};
        const Run run =
            home.run(batch + QStringList{"--output", "p.kinora", "--json", "--set", "steps=6"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.schemaBreach(), QString());
        QCOMPARE(run.event("project")["tasks"].get<int>(), 4);
        const auto project = loaded(home);
        QCOMPARE(project.taskCount(), int64_t{4});
        QCOMPARE(*project.task(3)->request.steps, int64_t{6});
        QCOMPARE(*project.task(3)->request.seed, int64_t{8});
        QCOMPARE(project.models().size(), size_t{1});
        QVERIFY(project.models()[0].hash.starts_with("sha256:"));
        // The same from the same.
        QCOMPARE(home.run(batch + QStringList{"--output", "q.kinora", "--set", "steps=6"}).out,
                 QByteArray("q.kinora\n"));
        QCOMPARE(contentOf(home.path("q.kinora")), contentOf(home.path("p.kinora")));
        // Never over what is there.
        QCOMPARE(home.run(batch + QStringList{"--output", "p.kinora"}).code, 2);
        QCOMPARE(home.run(batch + QStringList{"--output", "p.kinora", "--overwrite"}).code, 0);
    }

    void dryRunSaysWhatItExpandsToAndSavesNothing() {
        const Home home;
        write(home.path("t.txt"), "{red|green} fox\n");
        const Run run = home.run({"project", "batch", "t.txt", "--output", "p.kinora",
                                  "--all-choices", "--dry-run", "--count", "10"});
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY(run.out.contains("red fox") && run.out.contains("and 12 more"));
        QCOMPARE(home.files(), QStringList{"t.txt"});
    }

    void tablesAndPicturesAreAdded() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n");
        QCOMPARE(home.run({"project", "batch", "t.txt", "--output", "p.kinora"}).code, 0);
        QCOMPARE(home.run({"image", "--prompt", "3d emoji of cat", "--steps", "2", "--seed", "77",
                           "--output", "cat.png"})
                     .code,
                 0);
        const Run run = home.run(
            {"project", "add", "p.kinora", "t.txt", "cat.png", "--set", "cfg=2", "--json"});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.schemaBreach(), QString());
        const auto project = loaded(home);
        QCOMPARE(project.batches().size(), size_t{3});
        QCOMPARE(project.batches()[1].name, std::string("t-2"));
        QCOMPARE(*project.task(1)->request.cfg, 2.0);
        QCOMPARE(project.batches()[2].name, std::string("imported"));
        const auto cat = project.task(2)->request;
        QCOMPARE(cat.prompt, std::string("3d emoji of cat"));
        QCOMPARE(*cat.seed, int64_t{77});
        QCOMPARE(*cat.steps, int64_t{2});
        QCOMPARE(cat.model, std::string("starter-image"));
        // It is made as it was.
        const Run info = home.run({"info", "cat.png", "--json"});
        const Run made = home.run({"render", "p.kinora", "--only", "imported", "--json"});
        QVERIFY2(made.code == 0, made.err.constData());
        QVERIFY(made.event("result")["sha256"] == info.event("info")["provenance"]["outputHash"]);
    }

    void picturesOfOtherProgramsSayWhatHasNoEqual() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n");
        QCOMPARE(home.run({"project", "batch", "t.txt", "--output", "p.kinora"}).code, 0);
        QCOMPARE(home.run({"image", "--prompt", "x", "--steps", "1", "--output", "a.png",
                           "--no-metadata"})
                     .code,
                 0);
        // The chunk of A1111, put in behind the header of 33 bytes.
        QByteArray png = contentOf(home.path("a.png"));
        QByteArray body = QByteArray("tEXtparameters") + '\0' + kA1111;
        uint32_t crc = 0xffffffffu;
        for (const char c : body) {
            crc ^= static_cast<unsigned char>(c);
            for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0);
        }
        crc = ~crc;
        const auto big = [](uint32_t v) {
            const char bytes[] = {static_cast<char>(v >> 24), static_cast<char>(v >> 16),
                                  static_cast<char>(v >> 8), static_cast<char>(v)};
            return QByteArray(bytes, 4);
        };
        png.insert(33, big(static_cast<uint32_t>(body.size() - 4)) + body + big(crc));
        write(home.path("a.png"), png);
        const Run run = home.run({"project", "add", "p.kinora", "a.png", "--json"});
        QVERIFY2(run.code == 0, run.err.constData());
        const auto imported = run.event("project")["imported"][0];
        QCOMPARE(imported["madeWith"].get<std::string>(), std::string("A1111"));
        const std::string others = imported["others"].dump();
        for (const char* name : {"Hires upscale", "Latent", "dreamshaper_8"})
            QVERIFY2(others.find(name) != std::string::npos, others.c_str());
        const auto project = loaded(home);
        const auto request = project.task(1)->request;
        QCOMPARE(request.prompt, std::string("a fox in the snow"));
        QCOMPARE(request.negative, std::string("blur"));
        QCOMPARE(*request.steps, int64_t{24});
        QCOMPARE(*request.sampler, std::string("euler_a"));
        QCOMPARE(*request.cfg, 6.5);
        QCOMPARE(*request.seed, int64_t{99});
        QCOMPARE(*request.width, int64_t{512});
        QCOMPARE(*request.height, int64_t{640});
        QCOMPARE(request.clipSkip, int64_t{2});
        QCOMPARE(request.noise, std::string("philox"));
        QVERIFY(project.json()["batches"][1]["rows"][0]["withoutEqual"].contains("Model"));
        QVERIFY(home.run({"project", "add", "p.kinora", "t.txt", "a.png"})
                    .errHas("without an equal here"));
    }

    void packsAndUnpacksAndInfoSaysTheTasks() {
        const Home home;
        write(home.path("t.txt"), "3d emoji of fox\n3d emoji of cat\n");
        QCOMPARE(home.run({"project", "batch", "t.txt", "--output", "p.kinora", "--set", "steps=1",
                           "--seed", "1"})
                     .code,
                 0);
        QCOMPARE(home.run({"render", "p.kinora"}).code, 0);
        const Run packed = home.run({"project", "pack", "p.kinora"});
        QVERIFY2(packed.code == 0, packed.err.constData());
        QCOMPARE(packed.out, QByteArray("p.zip\n"));
        const Run unpacked =
            home.run({"project", "unpack", "p.zip", "--output", "there", "--json"});
        QVERIFY2(unpacked.code == 0, unpacked.err.constData());
        QCOMPARE(unpacked.schemaBreach(), QString());
        // Moved and whole: nothing is to be done.
        const Run again = home.run({"render", "there", "--json"});
        QCOMPARE(again.event("render")["present"].get<int>(), 2);
        QCOMPARE(home.run({"project", "unpack", "p.zip", "--output", "there"}).code, 2);
        const Run info = home.run({"info", "there/p.kinora", "--json"});
        QCOMPARE(info.schemaBreach(), QString());
        const auto event = info.event("info");
        QCOMPARE(event["taskCount"].get<int>(), 2);
        QCOMPARE(event["tasks"][1]["request"]["prompt"].get<std::string>(),
                 std::string("3d emoji of cat"));
        QVERIFY(home.run({"info", "p.kinora"}).out.contains("3d emoji of fox"));
    }

    void interruptedItLeavesNothingUnpacked() {
        const Home home;
        write(home.path("p.kinora"), QByteArray::fromStdString(core::ProjectDocument().text()));
        write(home.path("p.results/large"), {});
        QVERIFY(QFile::resize(home.path("p.results/large"), qint64{1} << 30)); // a hole
        QCOMPARE(home.run({"project", "pack", "p.kinora"}).code, 0);
        const QDir folder(home.path("."));
        const auto left = [&] {
            return folder.entryList({".kinora-*", "there"}, QDir::AllEntries | QDir::Hidden);
        };
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
            QProcess process;
            home.start(process, {"project", "unpack", "p.zip", "--output", "there", "--json"});
            QVERIFY(process.waitForStarted());
            QVERIFY(QTest::qWaitFor([&] { return !left().isEmpty(); }, 30'000));
            ::kill(static_cast<pid_t>(process.processId()), signal);
            const Run run = Home::finish(process);
            QCOMPARE(run.code, 130);
            QCOMPARE(run.schemaBreach(), QString());
            QVERIFY(!run.event("cancelled").is_null());
            QCOMPARE(left(), QStringList());
        }
    }

    void nothingIsWrittenThroughALink() {
        const Home home;
        write(home.path("t.csv"), "prompt,init\na,init.png\n");
        write(home.path("init.png"), "any file");
        QVERIFY(QDir().mkpath(home.path("elsewhere")));
        QVERIFY(QFile::link(home.path("elsewhere"), home.path("p.assets")));
        const Run run = home.run({"project", "batch", "t.csv", "--output", "p.kinora"});
        QCOMPARE(run.code, 2);
        QVERIFY2(run.errHas("p.assets: is a symbolic link"), run.err.constData());
        QVERIFY(QDir(home.path("elsewhere")).isEmpty());
        QVERIFY(!QFile::exists(home.path("p.kinora")));
    }

    void theExampleIsWhatItsTableGives() {
        const Home home;
        const QString example = KINORA_SOURCE_DIR "/resources/examples/forty-emoji/";
        const Run run = home.run({"project", "batch", example + "emoji.csv", "--output", "p.kinora",
                                  "--seed", "2026", "--name", "emoji"});
        QVERIFY2(run.code == 0, run.err.constData());
        const auto made = loaded(home);
        const auto kept =
            core::ProjectDocument::load((example + "forty-emoji.kinora").toStdString());
        QVERIFY(kept);
        QCOMPARE(made.taskCount(), int64_t{40});
        QVERIFY(made.json()["batches"] == kept->json()["batches"]);
        QCOMPARE(home.run({"render", example, "--dry-run"}).code, 0);
    }

    void refusals_data() {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("message");
        const auto row = [](const QStringList& arguments, const char* message) {
            QTest::newRow(message) << arguments << QString(message);
        };
        row({"batch", "t.csv"}, "There is no --output");
        row({"batch", "t.csv", "--output", "p.json"}, "does not end in .kinora");
        row({"batch", "none.csv", "--output", "p.kinora"}, "there is no such file");
        row({"batch", "bad.csv", "--output", "p.kinora"}, "there is no parameter 'stepz'");
        row({"batch", "t.csv", "--output", "p.kinora", "--grid", "cfg"}, "is no axis of a grid");
        row({"batch", "t.csv", "--output", "p.kinora", "--set", "model=nope"}, "nope");
        row({"batch", "t.csv", "u.csv", "--output", "p.kinora"}, "takes one file");
        row({"add", "none.kinora", "t.csv"}, "none.kinora: there is no such file");
        row({"add", "t.csv", "t.csv"}, "does not end in .kinora");
        row({"unpack", "t.csv"}, "is no zip file");
        row({"dance"}, "dance");
    }
    void refusals() {
        QFETCH(QStringList, arguments);
        QFETCH(QString, message);
        const Home home;
        write(home.path("t.csv"), "prompt\na\n");
        write(home.path("bad.csv"), "prompt,stepz\na,1\n");
        const Run run = home.run(QStringList{"project"} + arguments);
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(message.toUtf8()), run.err.constData());
        QVERIFY(!QFile::exists(home.path("p.kinora")));
    }
};

QTEST_GUILESS_MAIN(ProjectCommandTest)
#include "project_command_test.moc"
