#include "tests/app/cli/program_run.h"

#include <QDateTime>
#include <QElapsedTimer>
#include <QTest>

#include <csignal>

using namespace kinora::app;

namespace {

// Two steps: what is tested is not how the picture looks.
QStringList quick(const QStringList& more) {
    return QStringList{"image", "--prompt", "3d emoji of a red apple", "--steps", "2"} + more;
}

const QString kStarter = QStringLiteral(KINORA_SOURCE_DIR "/resources/models/starter-image");

} // namespace

class ImageCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void makesAPictureAndPrintsItsPath() {
        const Home home;
        const Run run = home.run(quick({"--seed", "1", "--output", "a.png"}));
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.out, QByteArray("a.png\n"));
        QCOMPARE(home.files(), QStringList{"a.png"});
    }

    void whatAnEarlierRunLeftBesideGoes() {
        const Home home;
        const auto leave = [&](const char* name, int hours) {
            QFile file(home.path(QString::fromLatin1(name)));
            return file.open(QIODevice::WriteOnly) && file.write("half") == 4 && file.flush() &&
                   file.setFileTime(QDateTime::currentDateTime().addSecs(-3600 * hours),
                                    QFileDevice::FileModificationTime);
        };
        QVERIFY(leave(".kinora-0123456789abcdef.tmp", 2));
        QVERIFY(leave(".kinora-fedcba9876543210.tmp", 0)); // of one that runs, perhaps
        QCOMPARE(home.run(quick({"--output", "a.png"})).code, 0);
        QCOMPARE(home.files(), (QStringList{".kinora-fedcba9876543210.tmp", "a.png"}));
    }

    void putsPicturesIntoTheFolderOfPictures() {
        const Home home;
        const Run first = home.run(quick({"--seed", "5"}));
        QVERIFY2(first.code == 0, first.err.constData());
        const Run second = home.run(quick({"--seed", "6"}));
        QCOMPARE(home.files(),
                 (QStringList{"Pictures/Kinora/00001-3d_emoji_of_a_red_apple-5.png",
                              "Pictures/Kinora/00002-3d_emoji_of_a_red_apple-6.png"}));
    }

    void eventsFollowTheSchemaAndEndWithTheResult() {
        const Home home;
        const Run run = home.run(quick({"--seed", "1", "--output", "a.png", "--json"}));
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.schemaBreach(), QString());
        const auto events = run.events();
        QCOMPARE(events.front()["event"].get<std::string>(), std::string("plan"));
        QCOMPARE(events.back()["event"].get<std::string>(), std::string("result"));
        QCOMPARE(run.event("step")["step"].get<int>(), 2);
        QCOMPARE(run.event("result")["width"].get<int>(), 128);
        QVERIFY(run.event("model")["hash"] == run.event("result")["modelHash"]);
    }

    void theSameSeedGivesTheSamePixelsAloneAndInASeries() {
        const Home home;
        const QStringList options{"--json", "--precision", "f32"};
        const Run one = home.run(quick(options + QStringList{"--seed", "8", "--output", "a.png"}));
        const Run series = home.run(
            quick(options + QStringList{"--seed", "7", "--count", "2", "--output", "s.png"}));
        QVERIFY2(series.code == 0, series.err.constData());
        QVERIFY(home.files().contains("s-1.png") && home.files().contains("s-2.png"));
        QCOMPARE(one.event("result")["sha256"].dump(), series.event("result")["sha256"].dump());
        QCOMPARE(series.event("result")["seed"].get<int>(), 8);
        const Run again = home.run(
            quick(options + QStringList{"--seed", "8", "--output", "a.png", "--overwrite"}));
        QCOMPARE(again.event("result")["sha256"].dump(), one.event("result")["sha256"].dump());
    }

    void drawsASeedAndReportsIt() {
        const Home home;
        const Run a = home.run(quick({"--output", "a.png", "--json"}));
        const Run b = home.run(quick({"--output", "b.png", "--json"}));
        const auto seed = a.event("result")["seed"].get<int64_t>();
        QVERIFY(seed >= 0 && seed < (int64_t{1} << 32));
        QVERIFY(seed != b.event("result")["seed"].get<int64_t>());
    }

    void writesEveryFormat_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"a.png", "a.jpg", "a.webp", "a.tiff", "a.exr", "a.avif"})
            QTest::newRow(name) << QString::fromLatin1(name);
    }
    void writesEveryFormat() {
        QFETCH(QString, name);
        const Home home;
        const Run run = home.run(quick({"--output", name, "--steps=1"}).mid(0, 3) +
                                 QStringList{"--steps", "1", "--output", name});
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(home.files(), QStringList{name});
        const Run info = home.run({"info", name});
        QVERIFY2(info.code == 0, info.err.constData());
        QVERIFY2(info.out.contains("red apple"), info.out.constData());
    }

    void leavesOutHowItWasMade() {
        const Home home;
        QCOMPARE(home.run(quick({"--output", "a.png", "--no-metadata"})).code, 0);
        QVERIFY(!home.run({"info", "a.png"}).out.contains("apple"));
        QCOMPARE(home.run({"verify", "a.png"}).code, 2);
    }

    void readsThePromptFromInput() {
        const Home home;
        const Run run = home.run(
            {"image", "--prompt", "-", "--steps", "1", "--output", "{prompt}.png"}, "soft шар\n");
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(home.files(), QStringList{"soft_шар.png"});
    }

    void plansWithoutRunning() {
        const Home home;
        const Run text = home.run(quick({"--dry-run"}));
        QVERIFY2(text.code == 0, text.err.constData());
        for (const char* part : {"Device", "Precision", "Pictures", "Time", "Memory"})
            QVERIFY(text.out.contains(part));
        const Run json = home.run(quick({"--dry-run", "--json"}));
        QCOMPARE(json.schemaBreach(), QString());
        const auto plan = json.event("plan");
        QVERIFY(plan["predictedPeakBytes"].get<int64_t>() > (1 << 20));
        QVERIFY(plan["predictedSeconds"].get<double>() > 0);
        QVERIFY(plan["fits"].get<bool>());
        QCOMPARE(home.files(), QStringList());
    }

    void saysWhatTheModelDoesNotKnow() {
        const Home home;
        const QStringList image = {"image", "--dry-run", "--prompt",
                                   "3d emoji of roter Apfel with a zyzzyva"};
        const Run text = home.run(image);
        QVERIFY2(text.code == 0, text.err.constData());
        QVERIFY2(text.errHas("“roter Apfel” is “red apple” to Kinora starter."), text.err);
        QVERIFY2(text.errHas("has never seen “zyzzyva”"), text.err);
        const Run json = home.run(image + QStringList{"--json"});
        QCOMPARE(json.schemaBreach(), QString());
        const auto events = json.events();
        QCOMPARE(events.size(), size_t{3});
        QVERIFY(events[0]["message"].get<std::string>().find("red apple") != std::string::npos);
        QCOMPARE(events[1]["event"].get<std::string>(), std::string("hint"));
        QCOMPARE(events[2]["event"].get<std::string>(), std::string("plan"));
        QCOMPARE(home.run(image + QStringList{"--quiet"}).err, QByteArray());
        QVERIFY(!home.run(quick({"--dry-run"})).errHas("Kinora starter"));
    }

    void refusesWithoutRunning_data() {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("part");
        const auto row = [](const char* name, const QStringList& options, const char* part) {
            QTest::newRow(name) << options << QByteArray(part);
        };
        row("steps", {"--steps", "0"}, "--steps:");
        row("width", {"--width", "129"}, "--width: 129 is not a multiple of 8.");
        row("empty model", {"--model", ""}, "--model is empty");
        row("empty latents", {"--latents="}, "--latents is empty");
        row("sampler", {"--sampler", "eulr"}, "Did you mean euler?");
        row("pair", {"--sampler", "euler_a", "--schedule", "karras"}, "karras");
        row("model", {"--model", "nothing"}, "starter-image");
        row("format", {"--output", "a.gif"}, "gif");
        row("field", {"--output", "{foo}.png"}, "{foo}");
        row("folder", {"--output", "no/such/a.png"}, "no such folder");
        row("unwritable", {"--output", "/proc/a.png"}, "/proc");
        row("latents", {"--latents", "nothing.safetensors"}, "nothing.safetensors");
        row("init", {"--init", "nothing.png"}, "nothing.png");
        row("mask alone", {"--mask", "nothing.png"}, "nothing.png");
        row("strength", {"--strength", "1.5"}, "--strength:");
        row("background", {"--background", "#12"}, "--background:");
        row("precision", {"--precision", "f16"}, "f16");
        row("device", {"--device", "cuda:7"}, "'cuda:7' is not here");
        row("net without a picture", {"--control", "x"}, "has no picture to follow");
        row("unknown option", {"--film", "x"}, "Unknown option '--film'");
    }
    void refusesWithoutRunning() {
        QFETCH(QStringList, options);
        QFETCH(QByteArray, part);
        const Home home;
        const Run run = home.run(QStringList{"image", "--prompt", "x"} + options);
        QVERIFY2(run.err.contains(part), run.err.constData());
        QCOMPARE(run.code, 2);
        QCOMPARE(run.out, QByteArray());
        QCOMPARE(home.files(), QStringList());
    }

    void refusesAPromptThatCannotBeRead() {
        const Home home;
        for (const char* from : {"<&-", "< ."}) {
            const Run run = home.shell("\"$K\" image --prompt - --steps 1 " + QString(from));
            QCOMPARE(run.code, 2);
            QVERIFY2(run.errHas("standard input cannot be read"), run.err.constData());
            QCOMPARE(home.files(), QStringList());
        }
    }

    void refusesLatentsBeforeLoading() {
        const Home home;
        QCOMPARE(home.run(quick({"--output", "a.png", "--save-latents", "l.safetensors"})).code, 0);
        const auto refused = [&](const QStringList& more) {
            const Run run =
                home.run(quick(QStringList{"--dry-run", "--latents", "l.safetensors"} + more));
            return run.code == 2 && run.out.isEmpty() ? run.err : QByteArray("accepted");
        };
        QCOMPARE(home.run(quick({"--dry-run", "--latents", "l.safetensors"})).code, 0);
        QVERIFY(refused({"--width", "256"})
                    .contains("latents are [1, 8, 16, 16], this run needs [1, 8, 16, 32]"));
        QVERIFY(refused({"--count", "2"}).contains("this run needs [2, 8, 16, 16]"));
        const Run run = home.run(
            quick({"--count", "2", "--latents", "l.safetensors", "--json", "--output", "b.png"}));
        QCOMPARE(run.code, 2);
        QCOMPARE(run.events().size(), size_t{1}); // nothing was loaded
    }

    void warnsOfASchedulerThatIsNotHere() {
        const Home home;
        QCOMPARE(home.shell("cp -rs " + kStarter +
                            " m && rm m/kinora.json m/model_index.json && "
                            "sed s/DDIMScheduler/VQDiffusionScheduler/ " +
                            kStarter + "/model_index.json > m/model_index.json")
                     .code,
                 0);
        const char* part = "asks for VQDiffusionScheduler, which this version lacks; euler is used";
        for (const QStringList& line : {quick({"--model", "./m", "--dry-run"}),
                                        quick({"--model", "./m", "--output", "a.png"})}) {
            const Run run = home.run(line);
            QCOMPARE(run.code, 0);
            QCOMPARE(run.err.count(part), 1);
        }
        const Run plan = home.run(quick({"--model", "./m", "--dry-run", "--json"}));
        QCOMPARE(plan.schemaBreach(), QString());
        QVERIFY(plan.event("plan")["warnings"].dump().find(part) != std::string::npos);
        for (const QStringList& line : {QStringList{"info", "./m"}, {"models", "show", "./m"}})
            QVERIFY(home.run(line).out.contains(part));
        const Run chosen = home.run(quick({"--model", "./m", "--dry-run", "--sampler", "ddim"}));
        QVERIFY(!chosen.errHas("VQDiffusionScheduler"));
    }

    void findsWeightsThatAreNoNumbersInThePlan() {
        const Home home;
        const QString weights = "/unet/diffusion_pytorch_model.safetensors";
        QCOMPARE(home.shell("cp -rs " + kStarter + " m && rm m" + weights +
                            " && LC_ALL=C sed '0,/F16/s//I16/' " + kStarter + weights + " > m" +
                            weights)
                     .code,
                 0);
        const Run run = home.run(quick({"--model", "./m", "--dry-run"}));
        QVERIFY2(run.errHas("holds i16; weights in floating point"), run.err.constData());
        QCOMPARE(run.code, 2);
    }

    void refusesWhatCanNeverFit() {
        const Home home;
        const Run run =
            home.run(quick({"--width", "8192", "--height", "8192", "--tiling", "off", "--json"}));
        QCOMPARE(run.code, 2);
        QCOMPARE(run.event("error").value("code", ""), std::string("does-not-fit"));
        QVERIFY(run.event("step").is_null());
    }

    void keepsAnOutputThatIsThere() {
        const Home home;
        QFile file(home.path("a.png"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("mine");
        file.close();
        const Run run = home.run(quick({"--output", "a.png"}));
        QCOMPARE(run.code, 2);
        QVERIFY(run.errHas("--overwrite"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QCOMPARE(file.readAll(), QByteArray("mine"));
        file.close();
        QCOMPARE(home.run(quick({"--output", "a.png", "--overwrite"})).code, 0);
        QVERIFY(QFileInfo(home.path("a.png")).size() > 1000);
    }

    void anInterruptEndsWithinASecondAndLeavesNothing() {
        const Home home;
        QProcess process;
        home.start(process,
                   {"image", "--prompt", "x", "--steps", "1000", "--output", "a.png", "--json"});
        QVERIFY(process.waitForStarted());
        QByteArray seen;
        while (!seen.contains("\"step\"") && process.waitForReadyRead(60'000))
            seen += process.readAllStandardOutput();
        QElapsedTimer timer;
        timer.start();
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        const Run run = Home::finish(process);
        QVERIFY2(timer.elapsed() < 1000, qPrintable(QString::number(timer.elapsed())));
        QCOMPARE(run.code, 130);
        QVERIFY(!run.event("cancelled").is_null());
        QCOMPARE(home.files(), QStringList());
    }

    void previewsByASmallAutoencoderWantOne() {
        const Home home;
        const Run run = home.run(quick({"--preview-every", "1", "--preview", "tiny"}));
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains("--preview fast"), run.err.constData());
        QVERIFY(home.run(quick({"--preview", "fast", "--dry-run"}))
                    .err.contains("--preview does not count"));
    }

    void previewsAreTakenAwayAtTheEnd() {
        const Home home;
        const Run run = home.run(quick({"--preview-every", "1", "--output", "a.png", "--json"}));
        QVERIFY2(run.code == 0, run.err.constData());
        QCOMPARE(run.event("preview")["file"].get<std::string>(), std::string("a.preview.png"));
        QCOMPARE(home.files(), QStringList{"a.png"});
    }

    void quietPrintsThePathAlone() {
        const Home home;
        const Run run = home.run(quick({"--output", "a.png", "--quiet"}));
        QCOMPARE(run.err, QByteArray());
        QCOMPARE(run.out, QByteArray("a.png\n"));
    }
};

QTEST_GUILESS_MAIN(ImageCommandTest)
#include "image_command_test.moc"
