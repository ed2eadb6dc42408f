// What the window shows, without widgets: the edited request, jobs, the strip, files.

#include "app/models/gallery_model.h"
#include "app/models/job_controller.h"
#include "app/models/picture_conversion.h"
#include "app/models/picture_store.h"
#include "app/models/plan_watcher.h"
#include "app/models/request_document.h"
#include "tests/app/gui/scripted_engine.h"

#include <QDir>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QUndoStack>

namespace kinora::app {
namespace {

using testing::Script;
using testing::ScriptedEngine;

const pipelines::Parameter& row(const char* name) {
    return *pipelines::findImageParameter(name);
}

core::ModelEntry modelNamed(const std::string& name, int64_t steps) {
    core::ModelEntry entry;
    entry.name = name;
    entry.title = name;
    entry.defaults.steps = steps;
    return entry;
}

pipelines::ImageRequest requestFor(const std::string& prompt, int64_t count = 1) {
    pipelines::ImageRequest request;
    request.prompt = prompt;
    request.steps = 6;
    request.count = count;
    request.seed = 10;
    request.previewEvery = 1;
    return request;
}

} // namespace

class ModelsTest : public QObject {
    Q_OBJECT

  private slots:
    void unsetParametersFollowTheModel() {
        QUndoStack undo;
        RequestDocument document(undo);
        QCOMPARE(document.effectiveText(row("steps")), "20"); // the table's
        document.setModels({modelNamed("one", 24), modelNamed("two", 4)});
        QCOMPARE(document.effectiveText(row("steps")), "24");
        QVERIFY(document.setText(row("model"), "two").isEmpty());
        QCOMPARE(document.effectiveText(row("steps")), "4");
        QVERIFY(!document.isChanged(row("steps")));
        QVERIFY(document.setText(row("steps"), "30").isEmpty());
        QVERIFY(document.isChanged(row("steps")));
        document.reset(row("steps"));
        QVERIFY(!document.request().steps.has_value());
    }

    void wrongTextIsSaidAndChangesNothing() {
        QUndoStack undo;
        RequestDocument document(undo);
        for (const char* wrong : {"abc", "-1", "100001", ""}) {
            const QString problem = document.setText(row("steps"), wrong);
            QVERIFY2(!problem.isEmpty(), wrong);
            QVERIFY(!document.request().steps.has_value());
        }
        QVERIFY(!document.setText(row("seed"), "99999999999999999999").isEmpty());
        QCOMPARE(undo.count(), 0);
    }

    void typingIsOneUndoStepUntilAnotherFieldIsEdited() {
        QUndoStack undo;
        RequestDocument document(undo);
        document.setText(row("prompt"), "a");
        document.setText(row("prompt"), "ab");
        document.setText(row("cfg"), "3");
        document.setText(row("prompt"), "abc");
        QCOMPARE(undo.count(), 3);
        undo.undo();
        QCOMPARE(document.request().prompt, std::string("ab"));
        undo.undo();
        QVERIFY(!document.request().cfg.has_value());
        undo.undo();
        QCOMPARE(document.request().prompt, std::string());
        undo.redo();
        QCOMPARE(document.request().prompt, std::string("ab"));
    }

    void endOfAnEditBeginsANewUndoStep() {
        QUndoStack undo;
        RequestDocument document(undo);
        document.setText(row("steps"), "10");
        document.endEdit();
        document.setText(row("steps"), "11");
        QCOMPARE(undo.count(), 2);
    }

    void seedsKeepAllTheirDigits() {
        QUndoStack undo;
        RequestDocument document(undo);
        QVERIFY(document.setText(row("seed"), "9223372036854775807").isEmpty());
        QCOMPARE(*document.request().seed, INT64_MAX);
        QCOMPARE(document.effectiveText(row("seed")), "9223372036854775807");
    }

    void aJobGoesThroughItsStates() {
        ScriptedEngine engine;
        JobController jobs(engine);
        QSignalSpy begun(&jobs, &JobController::pictureBegun);
        QSignalSpy previews(&jobs, &JobController::previewReady);
        QSignalSpy pictures(&jobs, &JobController::pictureReady);
        QSignalSpy ended(&jobs, &JobController::jobEnded);
        jobs.submit(requestFor("x", 2));
        QVERIFY(jobs.busy());
        QTRY_COMPARE(ended.count(), 1);
        QCOMPARE(begun.count(), 2);
        QCOMPARE(previews.count(), 12);
        QCOMPARE(pictures.count(), 2);
        QVERIFY(jobs.jobs().empty()); // what is done leaves the list
        QVERIFY(!jobs.busy());
    }

    void jobsWaitInOrderAndTheLastCanBeCancelled() {
        Script script;
        script.holdAtStep = 2;
        ScriptedEngine engine(script);
        JobController jobs(engine);
        QSignalSpy pictures(&jobs, &JobController::pictureReady);
        const int first = jobs.submit(requestFor("first"));
        jobs.submit(requestFor("second"));
        const int third = jobs.submit(requestFor("third"));
        QTRY_VERIFY(jobs.find(first)->step == 2);
        QCOMPARE(jobs.waitingCount(), 2);
        QCOMPARE(jobs.active()->number, first);
        jobs.cancel(third);
        QCOMPARE(jobs.waitingCount(), 1);
        engine.release();
        QTRY_VERIFY(!jobs.busy());
        QCOMPARE(pictures.count(), 2);
    }

    void cancelIsSeenAtOnceAndItsLateEventsAreNot() {
        Script script;
        script.holdAtStep = 2;
        ScriptedEngine engine(script);
        JobController jobs(engine);
        QSignalSpy pictures(&jobs, &JobController::pictureReady);
        const int number = jobs.submit(requestFor("x"));
        QTRY_VERIFY(jobs.find(number)->step == 2);
        jobs.cancel(number);
        QVERIFY(!jobs.busy());
        QTest::qWait(50);
        QCOMPARE(pictures.count(), 0);
    }

    void stopAfterThisLeavesOutTheRest() {
        Script script;
        script.holdAtStep = 2;
        ScriptedEngine engine(script);
        JobController jobs(engine);
        QSignalSpy pictures(&jobs, &JobController::pictureReady);
        const int number = jobs.submit(requestFor("x", 5));
        QTRY_VERIFY(jobs.find(number)->step == 2);
        jobs.stopAfterThis(number);
        engine.release();
        QTRY_VERIFY(!jobs.busy());
        QCOMPARE(pictures.count(), 1);
    }

    void aFailedJobStaysWithItsReasonAndCanBeTriedAgain() {
        Script script;
        std::atomic<bool> fails = true;
        script.fails = [&fails](const std::string&) { return fails.load(); };
        ScriptedEngine engine(script);
        JobController jobs(engine);
        QSignalSpy pictures(&jobs, &JobController::pictureReady);
        const int number = jobs.submit(requestFor("x"));
        QTRY_VERIFY(!jobs.busy());
        QCOMPARE(jobs.find(number)->state, JobState::Failed);
        QCOMPARE(jobs.find(number)->advice, "Make the picture smaller.");
        fails = false;
        jobs.retry(number);
        QTRY_COMPARE(pictures.count(), 1);
        QVERIFY(jobs.jobs().empty() || jobs.busy());
    }

    void theControllerMayGoWhileItsJobRuns() {
        Script script;
        script.step = std::chrono::milliseconds(2);
        ScriptedEngine engine(script);
        for (int round = 0; round < 20; ++round) {
            JobController jobs(engine);
            jobs.submit(requestFor("x"));
            QTest::qWait(round % 5);
        }
        QTest::qWait(20);
    }

    void onlyTheLastRequestIsPlanned() {
        ScriptedEngine engine;
        PlanWatcher watcher(engine);
        int answers = 0;
        int64_t count = 0;
        connect(&watcher, &PlanWatcher::planned, [&](const Result<pipelines::Plan>& plan) {
            ++answers;
            count = plan->count;
        });
        for (int64_t i = 1; i <= 50; ++i) watcher.watch(requestFor("x", i));
        QTRY_COMPARE(answers, 1);
        QCOMPARE(count, 50);
        QCOMPARE(engine.planned(), 1);
    }

    void picturesKeepTheirBytes() {
        core::Image image{2, 1, 4, {1, 0.5f, 0, 1, 0, 0, 1, 0}};
        const QImage shown = toQImage(image);
        QCOMPARE(shown.pixelColor(0, 0), QColor(255, 128, 0, 255));
        QCOMPARE(shown.pixelColor(1, 0).alpha(), 0);
        QVERIFY(toQImage({3, 3, 4, {}}).isNull());
        QCOMPARE(thumbnailOf(QImage(400, 100, QImage::Format_RGB32), 224).size(), QSize(224, 56));
    }

    void theStripTakesAndPutsBack() {
        GalleryModel gallery;
        const int first = gallery.addNewest({});
        const int second = gallery.addNewest({});
        QCOMPARE(gallery.rowOf(second), 0);
        auto taken = gallery.take(first);
        QVERIFY(taken && taken->first == 1);
        QCOMPARE(gallery.rowCount(), 1);
        gallery.putBack(taken->first, std::move(taken->second));
        QCOMPARE(gallery.rowOf(first), 1);
        QVERIFY(!gallery.take(999));
    }

    void savedPicturesNeverReplaceOthers() {
        QTemporaryDir folder;
        const std::filesystem::path inside = folder.path().toStdString() + "/Pictures/Kinora";
        auto image = std::make_shared<const core::Image>(testing::discPicture(5, 32, 32));
        core::Provenance provenance;
        provenance.request = requestFor("a red apple");
        provenance.request.width = provenance.request.height = 32;
        provenance.modelName = "starter-image";
        provenance.modelHash = "sha256:" + std::string(64, '0');
        provenance.engineVersion = "kinora test";
        provenance.device = "cpu";
        provenance.precision = "f32";
        std::vector<std::filesystem::path> paths;
        {
            PictureStore store(inside);
            for (int i = 0; i < 3; ++i)
                store.autosave(image, provenance, [&](Result<std::filesystem::path> path) {
                    QVERIFY2(path.ok(), path.ok() ? "" : path.error().what());
                    paths.push_back(*path);
                });
            QTRY_COMPARE(paths.size(), 3u);
            std::vector<StoredPicture> newest;
            store.listNewest(2, [&](std::vector<StoredPicture> found) { newest = found; });
            QTRY_COMPARE(newest.size(), 2u);
            QCOMPARE(newest.front().size, QSize(32, 32));
            std::optional<core::PictureInfo> info;
            store.readInfo(paths[0], [&](Result<core::PictureInfo> read) {
                QVERIFY(read.ok());
                info = *read;
            });
            QTRY_VERIFY(info.has_value());
            QVERIFY(info->request.has_value());
            QCOMPARE(info->request->prompt, std::string("a red apple"));
        }
        QCOMPARE(QDir(QString::fromStdString(inside.string())).entryList(QDir::Files).size(), 3);
    }

    void aPictureThatCannotBeSavedSaysWhy() {
        PictureStore store("/proc/no/such/folder");
        auto image = std::make_shared<const core::Image>(testing::discPicture(5, 8, 8));
        QString problem;
        store.autosave(image, {}, [&](Result<std::filesystem::path> path) {
            QVERIFY(!path.ok());
            problem = QString::fromStdString(path.error().message());
        });
        QTRY_VERIFY(!problem.isEmpty());
        QVERIFY(problem.contains("/proc"));
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::ModelsTest)
#include "models_test.moc"
