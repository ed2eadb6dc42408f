// What the window shows, without widgets: the edited request, the strip, files.

#include "app/models/gallery_model.h"
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

    void aCopyIsSavedWithHowItWasMadeAndFoundAgain() {
        QTemporaryDir folder;
        const std::filesystem::path inside = folder.path().toStdString();
        auto image = std::make_shared<const core::Image>(testing::discPicture(5, 32, 32));
        core::Provenance provenance;
        provenance.request = requestFor("a red apple");
        provenance.request.width = provenance.request.height = 32;
        provenance.modelName = "starter-image";
        provenance.modelHash = "sha256:" + std::string(64, '0');
        provenance.engineVersion = "kinora test";
        provenance.device = "cpu";
        provenance.precision = "f32";
        PictureStore store(inside);
        int saved = 0;
        for (const char* name : {"a.png", "b.png", "c.png"})
            store.saveAs(image, provenance, inside / name, [&](Result<std::filesystem::path> path) {
                QVERIFY2(path.ok(), path.ok() ? "" : path.error().what());
                ++saved;
            });
        QTRY_COMPARE(saved, 3);
        std::vector<StoredPicture> newest;
        store.listNewest(2, [&](std::vector<StoredPicture> found) { newest = found; });
        QTRY_COMPARE(newest.size(), 2u);
        QCOMPARE(newest.front().size, QSize(32, 32));
        std::optional<core::PictureInfo> info;
        store.readInfo(inside / "a.png", [&](Result<core::PictureInfo> read) {
            QVERIFY(read.ok());
            info = *read;
        });
        QTRY_VERIFY(info.has_value());
        QVERIFY(info->request.has_value());
        QCOMPARE(info->request->prompt, std::string("a red apple"));
    }

    void aPictureThatCannotBeSavedSaysWhy() {
        PictureStore store("/proc/no/such/folder");
        auto image = std::make_shared<const core::Image>(testing::discPicture(5, 8, 8));
        QString problem;
        store.saveAs(image, {}, "/proc/no/such/folder/a.png",
                     [&](Result<std::filesystem::path> path) {
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
