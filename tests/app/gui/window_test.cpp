// The whole window with a scripted engine, without a display: what a person does and sees.

#include "app/models/gallery_model.h"
#include "app/models/job_controller.h"
#include "app/models/request_document.h"
#include "app/panels/compose_panel.h"
#include "app/panels/gallery_panel.h"
#include "app/panels/parameter_field.h"
#include "app/panels/queue_panel.h"
#include "app/panels/sections/compose_section.h"
#include "app/panels/viewer_panel.h"
#include "app/widgets/calm_inputs.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/number_field.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/theme.h"
#include "app/windows/main_window.h"
#include "app/windows/system_appearance.h"
#include "pipelines/request/parameters.h"
#include "tests/app/gui/scripted_engine.h"
#include "tests/app/gui/studio.h"
#include "tests/app/gui/watchdog.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QDBusVariant>
#include <QDesktopServices>
#include <QDir>
#include <QDropEvent>
#include <QElapsedTimer>
#include <QFile>
#include <QGuiApplication>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMimeData>
#include <QSignalSpy>
#include <QSlider>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <QUrl>

#include <optional>

namespace kinora::app {

using testing::Script;
using testing::Studio;

class OpenedUrls : public QObject {
    Q_OBJECT
  public:
    Q_INVOKABLE void open(const QUrl& url) { urls << url; }
    QList<QUrl> urls;
};

class WindowTest : public QObject {
    Q_OBJECT
    Theme m_theme;

  private slots:
    void initTestCase() { m_theme.applyTo(*qApp); }

    void firstStartHasAPromptAndSaysWhatToDo() {
        Studio studio(m_theme);
        QCOMPARE(studio.prompt()->toPlainText(), "3d emoji of a red apple");
        QVERIFY(studio.prompt()->hasFocus());
        QVERIFY(studio.window.viewer().canvas()->isEmpty());
        QVERIFY(studio.window.viewer().canvas()->accessibleDescription().contains("Generate"));
    }

    void ctrlEnterMakesAPictureThatIsShownAndSaved() {
        Studio studio(m_theme);
        studio.prompt()->selectAll();
        QTest::keyClicks(studio.prompt(), "a blue bird");
        studio.press(Qt::Key_Return, Qt::ControlModifier);
        QTRY_COMPARE(studio.window.gallery().rowCount(), 1);
        QTRY_VERIFY(studio.made(1));
        QVERIFY2(studio.files().first().contains("a_blue_bird"),
                 qPrintable(studio.files().first()));
        QCOMPARE(studio.window.gallery().rowCount(), 1); // the tile became the result in place
        QCOMPARE(studio.window.viewer().canvas()->pictureSize(), QSize(64, 64));
        QTRY_VERIFY(!studio.window.gallery().itemAt(0)->path.empty());
    }

    void generateAddsToTheQueueWhileWorkRuns() {
        Script script;
        script.holdAtStep = 3;
        Studio studio(m_theme, script);
        studio.button("Generate")->click();
        QTRY_VERIFY(studio.button("Add to queue") != nullptr);
        studio.button("Add to queue")->click();
        QTRY_COMPARE(studio.window.jobs().jobs().size(), 2u);
        studio.engine.release();
        QTRY_VERIFY(studio.made(2));
        QTRY_VERIFY(studio.button("Generate") != nullptr);
    }

    void aRunningJobShowsProgressAndPreview() {
        Script script;
        script.holdAtStep = 4;
        Studio studio(m_theme, script);
        studio.window.generate();
        QTRY_VERIFY(studio.window.jobs().active() && studio.window.jobs().active()->step == 4);
        const GalleryItem* tile = studio.window.gallery().itemAt(0);
        QVERIFY(!tile->done);
        QCOMPARE(tile->progress, 0.5);
        QVERIFY(!studio.window.viewer().canvas()->isEmpty());
        QCOMPARE(studio.window.viewer().canvas()->pictureSize(), QSize(64, 64));
        bool said = false;
        for (QLabel* label : studio.window.queue().findChildren<QLabel*>())
            said = said || label->text().contains("step 4 of 8");
        QVERIFY(said);
        studio.window.galleryPanel().grab(); // draws the tile's progress
    }

    void escapeCancelsAtOnce() {
        Script script;
        script.holdAtStep = 3;
        Studio studio(m_theme, script);
        studio.window.generate();
        QTRY_VERIFY(studio.window.jobs().active() != nullptr);
        QTRY_COMPARE(studio.window.gallery().rowCount(), 1);
        studio.press(Qt::Key_Escape);
        QVERIFY(!studio.window.jobs().busy());
        QCOMPARE(studio.window.gallery().rowCount(), 0);
        QTest::qWait(50);
        QVERIFY(studio.files().isEmpty());
    }

    void stopAfterThisOneKeepsWhatIsBegun() {
        Script script;
        script.holdAtStep = 3;
        Studio studio(m_theme, script);
        studio.window.document().setText(*pipelines::findImageParameter("count"), "4");
        studio.window.generate();
        studio.window.generate();
        QTRY_VERIFY(studio.window.jobs().active() != nullptr &&
                    studio.window.jobs().active()->step == 3);
        studio.button("Stop after this one")->click();
        QVERIFY(studio.window.jobs().isLast(*studio.window.jobs().active()));
        QTest::qWait(300); // its owner is told
        studio.engine.release();
        QTRY_VERIFY(studio.window.jobs().active() == nullptr);
        QTRY_VERIFY(studio.made(1));
        QTRY_VERIFY(studio.button("Go on") != nullptr); // nothing is lost
        studio.button("Go on")->click();
        QTRY_VERIFY(studio.made(8));
    }

    void aFailureIsSaidOnItsRowWithWhatMendsIt() {
        Script script;
        script.fails = [](const std::string& prompt) { return prompt == "bad"; };
        Studio studio(m_theme, script);
        studio.prompt()->setPlainText("bad");
        studio.window.generate();
        QTRY_VERIFY(studio.button("Try again") != nullptr);
        QCOMPARE(studio.window.gallery().rowCount(), 0);
        bool said = false;
        for (QLabel* label : studio.window.queue().findChildren<QLabel*>())
            said =
                said || label->text() == "Memory ran out in the decoder. Make the picture smaller.";
        QVERIFY(said);
        studio.prompt()->setPlainText("good");
        studio.button("Edit settings")->click();
        QCOMPARE(studio.prompt()->toPlainText(), "bad");
    }

    void planLineChangesWithTheSettings() {
        Studio studio(m_theme);
        auto* plan = studio.named<QLabel>("Plan");
        QTRY_VERIFY(plan->text().contains("CPU, bf16"));
        studio.window.document().setText(*pipelines::findImageParameter("width"), "8192");
        studio.window.document().setText(*pipelines::findImageParameter("height"), "8192");
        QTRY_VERIFY2(plan->text().contains("Does not fit"), qPrintable(plan->text()));
        QVERIFY(plan->text().contains("would fit"));
    }

    void planLineTellsWhatIsDoneOtherwise() {
        pipelines::Plan plan;
        plan.device = "cpu";
        plan.warnings = {"The model asks for X; euler is used instead."};
        QVERIFY(planSentence(plan).endsWith("\nThe model asks for X; euler is used instead."));
    }

    void aWrongSeedIsSaidAtItsField() {
        Studio studio(m_theme);
        auto* seed = studio.named<QLineEdit>("Seed");
        seed->setFocus();
        QTest::keyClicks(seed, "apple");
        studio.press(Qt::Key_Return, Qt::ControlModifier);
        QVERIFY(!studio.window.jobs().busy());
        QCOMPARE(seed->property("invalid").toString(), "true");
        seed->clear();
        QTest::keyClicks(seed, "42");
        studio.press(Qt::Key_Return, Qt::ControlModifier);
        QTRY_VERIFY(studio.made(1));
        QVERIFY(studio.files().first().contains("42"));
    }

    void lockKeepsTheLastSeedAndDiceDrawsOne() {
        Studio studio(m_theme);
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        QVERIFY(!studio.window.document().request().seed.has_value());
        auto* lock = studio.named<QToolButton>("Keep the last seed");
        QVERIFY(lock != nullptr);
        lock->click();
        QCOMPARE(*studio.window.document().request().seed,
                 *studio.window.gallery().itemAt(0)->provenance->request.seed);
        lock->click();
        QVERIFY(!studio.window.document().request().seed.has_value());
        studio.named<QToolButton>("Draw a new seed and keep it")->click();
        QVERIFY(studio.window.document().request().seed.has_value());
        QVERIFY(lock->isChecked());
    }

    void undoReachesTextAndNumbers() {
        Studio studio(m_theme);
        const QString before = studio.prompt()->toPlainText();
        QTest::keyClicks(studio.prompt(), " pie");
        QCOMPARE(studio.prompt()->toPlainText(), before + " pie");
        auto* steps = studio.named<NumberField>("Steps");
        steps->setValue(12);
        QCOMPARE(*studio.window.document().request().steps, 12);
        steps->setFocus();
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(steps->value(), 8.0);
        studio.prompt()->setFocus();
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(studio.prompt()->toPlainText(), before);
        studio.press(Qt::Key_Y, Qt::ControlModifier);
        QCOMPARE(studio.prompt()->toPlainText(), before + " pie");
    }

    void sliderAndFieldShowOneValueAndTheLabelResets() {
        Studio studio(m_theme);
        ParameterField* steps = studio.window.compose().field("steps");
        auto* slider = steps->findChild<QSlider*>();
        QCOMPARE(slider->value(), 8);
        slider->setValue(20);
        QCOMPARE(studio.named<NumberField>("Steps")->value(), 20.0);
        QVERIFY(steps->label()->isChanged());
        QTest::mouseDClick(steps->label(), Qt::LeftButton);
        QCOMPARE(slider->value(), 8);
        QVERIFY(!studio.window.document().request().steps.has_value());
    }

    void allParametersOfTheTableCanBeSet() {
        Studio studio(m_theme);
        for (const pipelines::Parameter& parameter : pipelines::imageParameters()) {
            // Those that are set for each file of a section: sections_test.cpp.
            if (studio.window.compose().sectionOf(parameter.name) != nullptr) continue;
            if (parameter.role == pipelines::ParameterRole::Output && parameter.name != "preview")
                continue;
            const QString label = toQString(parameter.label);
            QVERIFY2(studio.named<QWidget>(label) != nullptr, qPrintable(label));
            QVERIFY2(!studio.named<QWidget>(label)->toolTip().isEmpty() ||
                         parameter.name == "prompt" || parameter.name == "negative",
                     qPrintable(label));
        }
    }

    void settingsComeBackAtTheNextStart() {
        QTemporaryDir folder;
        {
            WindowSettings settings(folder.path().toStdString());
            QVERIFY(!settings.request().has_value());
            pipelines::ImageRequest request;
            request.prompt = "gr\u00fcn, \u7dd1";
            request.seed = INT64_MAX;
            settings.setRequest(request);
            settings.setTheme(ThemeChoice::Light);
        }
        WindowSettings settings(folder.path().toStdString());
        QCOMPARE(settings.request()->prompt, std::string("gr\u00fcn, \u7dd1"));
        QCOMPARE(*settings.request()->seed, INT64_MAX);
        QCOMPARE(settings.theme(), ThemeChoice::Light);
    }

    void escapeCancelsAJobThatIsStillPlanned() {
        Studio studio(m_theme);
        studio.window.generate(); // no event of the engine was taken yet
        QVERIFY(studio.window.jobs().active() == nullptr);
        QVERIFY(studio.window.jobs().busy());
        studio.press(Qt::Key_Escape);
        QVERIFY(!studio.window.jobs().busy());
        QTest::qWait(50);
        QVERIFY(studio.files().isEmpty());
    }

    void modelsOfOneTitleAreToldApartAndBrokenOnesMarked() {
        Studio studio(m_theme);
        core::ModelEntry starter = studio.window.document().models().front();
        core::ModelEntry copy = starter;
        copy.name = "starter-copy";
        copy.builtIn = false;
        core::ModelEntry broken;
        broken.name = "broken";
        broken.problem = "broken/model_index.json: is not valid JSON.";
        studio.window.document().setModels({broken, copy, starter});
        auto* box = studio.named<QComboBox>("Model");
        QCOMPARE(box->itemText(0), "broken");
        QVERIFY(!box->itemIcon(0).isNull());
        QCOMPARE(box->itemText(1), "Kinora starter (starter-copy)");
        QVERIFY(box->itemIcon(1).isNull());
        QCOMPARE(box->currentText(), "Kinora starter");
        studio.window.document().setText(*pipelines::findImageParameter("model"), "broken");
        QVERIFY(studio.button("Use the starter model") != nullptr);
        studio.window.compose().showPlan(Error(ErrorCode::BadFile, broken.problem, ""));
        QCOMPARE(studio.named<QLabel>("Plan")->text(), "The model cannot be used.");
        studio.button("Use the starter model")->click();
        QCOMPARE(box->currentText(), "Kinora starter");
    }

    void whatCannotBeReadIsSaid() {
        Studio studio(m_theme);
        auto* damaged = new QMimeData;
        damaged->setData("image/png", "\x89PNG\r\n\x1a\nnot a picture");
        QGuiApplication::clipboard()->setMimeData(damaged);
        studio.press(Qt::Key_V, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_VERIFY2(studio.window.compose().notice()->text().contains("pasted picture"),
                     qPrintable(studio.window.compose().notice()->text()));
        QFile file(studio.folder.path() + "/shopping.txt");
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write("eggs, milk\n") > 0);
        file.close();
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(file.fileName())});
        QDragEnterEvent enter({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &enter);
        QDropEvent drop({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &drop);
        QTRY_VERIFY2(studio.window.compose().notice()->text().contains("shopping.txt"),
                     qPrintable(studio.window.compose().notice()->text()));
        QCOMPARE(studio.prompt()->toPlainText(), "3d emoji of a red apple");
    }

    void aFolderThatCannotBeWrittenIsSaidInTheWindowsWords() {
        Studio studio(m_theme);
        QFile inTheWay(studio.pictures()); // a file where the folder should be
        QVERIFY(inTheWay.open(QIODevice::WriteOnly));
        studio.window.generate();
        NoticeBar* notice = studio.window.viewer().notice();
        QTRY_VERIFY2(notice->text().contains("is not a folder"), qPrintable(notice->text()));
        QVERIFY(!studio.window.jobs().busy());
        QVERIFY2(!notice->text().contains("--"), qPrintable(notice->text()));
    }

    void theEventLoopStaysAwakeWhileAJobRuns() {
        Script script;
        script.step = std::chrono::milliseconds(5);
        Studio studio(m_theme, script);
        for (const char* name : {"width", "height"})
            studio.window.document().setText(*pipelines::findImageParameter(name), "512");
        studio.window.document().setText(*pipelines::findImageParameter("count"), "6");
        QTest::qWait(300);
        testing::Watchdog watchdog;
        studio.window.generate();
        QTRY_COMPARE_WITH_TIMEOUT(studio.files().size(), 6, 60000);
        QVERIFY(watchdog.answers() > 20);
        // What the window itself computed in one go; the gaps also have what other programs took.
        QVERIFY2(watchdog.longestComputed() < 50,
                 qPrintable(QString::number(watchdog.longestComputed())));
    }

    void aThousandJobsKeepTheQueueQuick() {
        Script script;
        script.holdAtStep = 1;
        Studio studio(m_theme, script);
        QElapsedTimer clock;
        clock.start();
        for (int i = 0; i < 1000; ++i) studio.window.generate();
        QVERIFY2(clock.elapsed() < 20000, qPrintable(QString::number(clock.elapsed())));
        // Each of them is written through to the disk, which is slow where others write too.
        constexpr int patience = 300'000;
        QTRY_VERIFY_WITH_TIMEOUT(studio.window.jobs().active() != nullptr, patience);
        const auto said = [&] {
            for (QLabel* label : studio.window.queue().findChildren<QLabel*>())
                if (label->text() == "and 960 more") return true;
            return false;
        };
        QTRY_VERIFY_WITH_TIMEOUT(said(), patience);
        studio.window.jobs().cancelAll();
        QTRY_VERIFY_WITH_TIMEOUT(!studio.window.jobs().busy(), patience);
    }

    void theModelsFolderIsMadeAndOpened() {
        Studio studio(m_theme);
        OpenedUrls opened;
        QDesktopServices::setUrlHandler("file", &opened, "open");
        emit studio.window.compose().modelsFolderWanted();
        QDesktopServices::unsetUrlHandler("file");
        const QString folder = studio.folder.path() + "/data/models";
        QCOMPARE(opened.urls, QList<QUrl>{QUrl::fromLocalFile(folder)});
        QVERIFY(QDir(folder).exists());
    }

    void foldersOfModelsAreAddedAndForgotten() {
        Studio studio(m_theme);
        const QString folder = studio.folder.path() + "/ComfyUI";
        QVERIFY(QDir().mkpath(folder + "/models/loras"));
        const QString golden = QString(KINORA_SOURCE_DIR) + "/tests/golden/data/loras/";
        QVERIFY(QFile::copy(golden + "loha.safetensors", folder + "/models/loras/ink.safetensors"));
        auto* box = studio.named<ChoiceBox>("Model");
        const size_t before = studio.window.document().companions().size();
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(folder)});
        QDragEnterEvent enter({20, 20}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(20, 20), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &drop);
        const auto said = [&](const char* part) {
            return studio.window.compose().notice()->isVisible() &&
                   studio.window.compose().notice()->text().contains(part);
        };
        QTRY_VERIFY2(said("from now on: 1 LoRA or other file beside models."),
                     qPrintable(studio.window.compose().notice()->text()));
        QCOMPARE(studio.window.document().companions().size(), before + 1);
        // Remembered, and in the list of the menu.
        QMenu* menu = nullptr;
        for (QMenu* candidate : studio.window.findChildren<QMenu*>())
            if (candidate->title().contains("Folders of")) menu = candidate;
        QVERIFY(menu != nullptr);
        emit menu->aboutToShow();
        QVERIFY(menu->actions().last()->text().contains("ComfyUI"));
        menu->actions().last()->trigger();
        QTRY_COMPARE(studio.window.document().companions().size(), before);
        emit menu->aboutToShow();
        QCOMPARE(menu->actions().size(), 1);
        // The chooser's last entry asks for one; the model stays.
        QObject::disconnect(&studio.window.compose(), &ComposePanel::modelFolderAdditionWanted,
                            nullptr, nullptr);
        QSignalSpy asked(&studio.window.compose(), &ComposePanel::modelFolderAdditionWanted);
        core::ModelEntry model;
        model.name = "starter-image";
        model.builtIn = true;
        studio.window.document().setModels({model});
        const int current = box->currentIndex();
        QTest::keyClick(box, Qt::Key_End); // a step through the closed list asks nothing
        QCOMPARE(asked.count(), 0);
        box->setCurrentIndex(box->count() - 1);
        emit box->activated(box->count() - 1);
        QCOMPARE(asked.count(), 1);
        QCOMPARE(box->currentIndex(), current);
        QCOMPARE(current, 0);
    }

    void portalValuesAreUnwrapped() {
        const auto wrapped = [](const QVariant& inner) {
            return QVariant::fromValue(QDBusVariant(inner));
        };
        QCOMPARE(darkFromColorScheme(uint(1)), std::optional(true));
        QCOMPARE(darkFromColorScheme(wrapped(wrapped(uint(2)))), std::optional(false));
        QCOMPARE(darkFromColorScheme(uint(0)), std::nullopt);
        QCOMPARE(darkFromColorScheme("dark"), std::nullopt);
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::WindowTest)
#include "window_test.moc"
