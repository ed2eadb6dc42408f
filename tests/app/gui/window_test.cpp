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
#include "app/widgets/fold_section.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/number_field.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/theme.h"
#include "app/windows/help_dialogs.h"
#include "app/windows/main_window.h"
#include "app/windows/picture_actions.h"
#include "app/windows/system_appearance.h"
#include "core/media/metadata.h"
#include "pipelines/request/parameters.h"
#include "tests/app/gui/scripted_engine.h"
#include "tests/app/gui/watchdog.h"

#include <QAction>
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
#include <QListView>
#include <QMenuBar>
#include <QMimeData>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSlider>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <QToolButton>
#include <QUrl>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

namespace kinora::app {
namespace {

using testing::Script;
using testing::ScriptedEngine;

struct Studio {
    explicit Studio(Theme& theme, Script script = {})
        : engine(small(std::move(script))), library({{}, folder.path().toStdString()}),
          window(theme, context()) {
        window.resize(1200, 760);
        window.show();
        core::ModelEntry model;
        model.name = "starter-image";
        model.title = "Kinora starter";
        model.builtIn = true;
        model.defaults.steps = 8;
        model.defaults.width = model.defaults.height = 64;
        window.document().setModels({model});
        QVERIFY(QTest::qWaitForWindowExposed(&window));
    }
    static Script small(Script script) {
        script.size = 64;
        script.steps = 8;
        return script;
    }
    ProgramContext context() {
        const std::filesystem::path base = folder.path().toStdString();
        return {engine,  library,       "0.1.0",           "", "kinora 0.1.0",
                {"cpu"}, base / "data", base / "Pictures", 2};
    }
    QString pictures() const { return folder.path() + "/Pictures"; }
    QStringList files() const { return QDir(pictures()).entryList(QDir::Files, QDir::Name); }
    // Their files are there, and the window has heard of it.
    bool made(int count) {
        int done = 0;
        for (int row = 0; row < window.gallery().rowCount(); ++row)
            done += window.gallery().itemAt(row)->done ? 1 : 0;
        return files().size() == count && done == count;
    }
    template <typename Widget> Widget* named(const QString& accessibleName) {
        for (Widget* widget : window.findChildren<Widget*>())
            if (widget->accessibleName() == accessibleName) return widget;
        return nullptr;
    }
    QPushButton* button(const QString& text) {
        for (QPushButton* candidate : window.findChildren<QPushButton*>())
            if (candidate->text() == text && candidate->isVisible()) return candidate;
        return nullptr;
    }
    GrowingTextEdit* prompt() { return named<GrowingTextEdit>("Prompt"); }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QWidget* focused = QApplication::focusWidget();
        QTest::keyClick(focused != nullptr ? focused : &window, key, modifiers);
    }

    QTemporaryDir folder;
    ScriptedEngine engine;
    core::ModelLibrary library;
    MainWindow window;
};

} // namespace

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

    void samplersAndSchedulesAreNamedAsPeopleWriteThem() {
        QCOMPARE(choiceTitle("dpmpp_2m_sde"), QString("DPM++ 2M SDE"));
        for (const char* name : {"sampler", "schedule"})
            for (std::string_view choice : pipelines::findImageParameter(name)->choices)
                QVERIFY2(choiceTitle(choice).toStdString() != choice, std::string(choice).c_str());
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

    void deleteTakesOffTheStripAndUndoBringsBack() {
        Studio studio(m_theme);
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        studio.window.pictureActions().remove->trigger();
        QCOMPARE(studio.window.gallery().rowCount(), 0);
        QVERIFY(studio.window.viewer().canvas()->isEmpty());
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(studio.window.gallery().rowCount(), 1);
        QCOMPARE(studio.files().size(), 1); // the file was not touched
    }

    void aDroppedPictureGivesItsParameters() {
        Studio studio(m_theme);
        studio.window.document().setText(*pipelines::findImageParameter("seed"), "77");
        studio.window.document().setText(*pipelines::findImageParameter("steps"), "5");
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        studio.window.document().setInitial({});
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(studio.pictures() + "/" + studio.files().first())});
        QDragEnterEvent enter({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&studio.window, &drop);
        QTRY_VERIFY(!studio.window.compose().notice()->text().isEmpty());
        QVERIFY2(studio.prompt()->toPlainText() == "3d emoji of a red apple",
                 qPrintable(studio.window.compose().notice()->text()));
        QCOMPARE(*studio.window.document().request().seed, 77);
        QCOMPARE(*studio.window.document().request().steps, 5);
        QVERIFY(studio.window.compose().notice()->text().contains(".png"));
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QVERIFY(studio.prompt()->toPlainText().isEmpty());
    }

    void aDroppedLoraOrNetIsUsedWhereItLies() {
        Studio studio(m_theme);
        const QString golden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");
        const auto drop = [&](const QString& file) {
            QMimeData data;
            data.setUrls({QUrl::fromLocalFile(file)});
            QDragEnterEvent enter({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
            QCoreApplication::sendEvent(&studio.window, &enter);
            QVERIFY(enter.isAccepted());
            QDropEvent event({50, 50}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
            QCoreApplication::sendEvent(&studio.window, &event);
        };
        const pipelines::ImageRequest& request = studio.window.document().request();
        const QString models = studio.folder.path() + "/models/Lora";
        QVERIFY(QDir().mkpath(models));
        QVERIFY(QFile::copy(golden + "loras/kohya.safetensors", models + "/shine.safetensors"));
        drop(models + "/shine.safetensors");
        QTRY_COMPARE(request.loras.size(), size_t{1});
        QVERIFY(studio.window.compose().sectionOf("lora")->isOpen());
        // The library finds it afterwards: what it is called is in the list then.
        QTRY_VERIFY(studio.window.document().companion(core::CompanionKind::Lora, "shine"));
        drop(golden + "control/nets/control-sd1.safetensors");
        QTRY_COMPARE(request.controls.size(), size_t{1});
        QVERIFY(QString::fromStdString(request.controls[0]).startsWith(golden));
        drop(golden + "tiny-sd1.safetensors");
        QTRY_VERIFY2(studio.window.compose().notice()->text().contains("is no LoRA"),
                     qPrintable(studio.window.compose().notice()->text()));
    }

    void aPictureOfTheStripSteersTheNextAndStaysWhenParametersAreUsed() {
        Studio studio(m_theme);
        core::CompanionInfo net;
        net.name = "edges";
        net.kind = "ControlNet";
        net.path = "/models/edges.safetensors";
        studio.window.document().setCompanions({net});
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        QTRY_VERIFY(studio.window.pictureActions().followPicture->isEnabled());
        studio.window.pictureActions().followPicture->trigger();
        const std::string picture = studio.window.gallery().itemAt(0)->path.string();
        const pipelines::ImageRequest& request = studio.window.document().request();
        QCOMPARE(request.controls, std::vector<std::string>{"edges"});
        QCOMPARE(request.controlImages, std::vector<std::string>{picture});
        studio.window.pictureActions().useParameters->trigger(); // made without a net
        QTRY_VERIFY(request.controls.empty());
        QVERIFY(request.controlImages.empty());
        studio.press(Qt::Key_Z, Qt::ControlModifier);
        QCOMPARE(request.controlImages, std::vector<std::string>{picture});
    }

    void pastedTextGivesItsParameters() {
        Studio studio(m_theme);
        QGuiApplication::clipboard()->setText(
            "a lighthouse\nNegative prompt: fog\nSteps: 9, Sampler: "
            "Euler, CFG scale: 4, Seed: 123, Size: 64x128");
        studio.press(Qt::Key_V, Qt::ControlModifier | Qt::ShiftModifier);
        QTRY_COMPARE(studio.prompt()->toPlainText(), "a lighthouse");
        QCOMPARE(*studio.window.document().request().seed, 123);
        QCOMPARE(*studio.window.document().request().height, 128);
    }

    void copyPutsAPictureWithItsTextOnTheClipboard() {
        Studio studio(m_theme);
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        studio.window.pictureActions().copy->trigger();
        QTRY_VERIFY(QGuiApplication::clipboard()->mimeData()->hasFormat("image/png"));
        const QByteArray png = QGuiApplication::clipboard()->mimeData()->data("image/png");
        QVERIFY(png.startsWith("\x89PNG"));
        QVERIFY(png.contains("red apple"));
    }

    void earlierPicturesAreInTheStripWithTheirSeed() {
        Studio studio(m_theme);
        studio.window.document().setText(*pipelines::findImageParameter("seed"), "4711");
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        Theme theme;
        MainWindow second(theme, studio.context());
        second.start();
        QTRY_COMPARE(second.gallery().rowCount(), 1);
        QTRY_COMPARE(second.galleryPanel().currentId(), second.gallery().itemAt(0)->id);
        QTRY_VERIFY(second.gallery().itemAt(0)->provenance.has_value());
        QCOMPARE(*second.gallery().itemAt(0)->provenance->request.seed, 4711);
        QTRY_COMPARE(second.viewer().canvas()->pictureSize(), QSize(64, 64));
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

    void generateStaysInSightInASmallWindow() {
        Studio studio(m_theme);
        for (FoldSection* fold : studio.window.findChildren<FoldSection*>()) fold->setOpen(true);
        studio.prompt()->setPlainText(QString("word ").repeated(4000));
        studio.window.resize(1024, 700);
        QTest::qWait(50);
        QVERIFY2(
            studio.window.width() <= 1024 && studio.window.height() <= 700,
            qPrintable(QString("%1 x %2").arg(studio.window.width()).arg(studio.window.height())));
        QPushButton* generate = studio.button("Generate");
        const QRect place(generate->mapTo(&studio.window, QPoint(0, 0)), generate->size());
        QVERIFY(studio.window.rect().contains(place));
        QCOMPARE(generate->height(), 36);
    }

    void everyControlHasANameForScreenReaders() {
        Studio studio(m_theme);
        for (FoldSection* fold : studio.window.findChildren<FoldSection*>()) fold->setOpen(true);
        QStringList nameless;
        for (QWidget* widget : studio.window.findChildren<QWidget*>()) {
            const bool inside =
                qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) != nullptr ||
                qobject_cast<QMenuBar*>(widget->parentWidget()) != nullptr ||
                qobject_cast<QComboBox*>(widget->parentWidget()) != nullptr ||
                widget->inherits("QComboBoxListView") ||
                widget->inherits("QComboBoxPrivateContainer");
            if (!(widget->focusPolicy() & Qt::TabFocus) || inside || !widget->isVisible()) continue;
            auto* button = qobject_cast<QAbstractButton*>(widget);
            const QString name = button != nullptr && widget->accessibleName().isEmpty()
                                     ? button->text()
                                     : widget->accessibleName();
            if (name.isEmpty()) nameless << widget->metaObject()->className();
        }
        QVERIFY2(nameless.isEmpty(), qPrintable(nameless.join(", ")));
    }

    void tabGoesInReadingOrder() {
        Studio studio(m_theme);
        QPoint last(0, -1);
        studio.prompt()->setFocus();
        QStringList visited;
        for (int i = 0; i < 40; ++i) {
            QWidget* focused = QApplication::focusWidget();
            if (!studio.window.compose().isAncestorOf(focused)) break;
            const QPoint at = focused->mapTo(&studio.window.compose(), QPoint(0, 0));
            visited << focused->accessibleName();
            QVERIFY2(at.y() > last.y() + 4 || at.x() > last.x(), qPrintable(visited.join(" > ")));
            last = at;
            studio.press(Qt::Key_Tab);
        }
        QVERIFY2(visited.size() >= 12, qPrintable(visited.join(" > ")));
    }

    void tabGoesOnToThePictureItsBarAndTheStrip() {
        Studio studio(m_theme);
        studio.window.generate();
        QTRY_VERIFY(studio.made(1));
        QTRY_VERIFY(studio.button("Generate") != nullptr);
        studio.button("Generate")->setFocus(Qt::TabFocusReason);
        const QColor without = studio.window.viewer().canvas()->grab().toImage().pixelColor(0, 0);
        studio.press(Qt::Key_Tab);
        QVERIFY(studio.window.viewer().canvas()->hasFocus());
        const QColor ring = studio.window.viewer().canvas()->grab().toImage().pixelColor(0, 0);
        QVERIFY(ring != without);
        QCOMPARE(ring, m_theme.color("focus"));
        QStringList visited;
        for (int i = 0; i < 8 && !studio.window.galleryPanel().view()->hasFocus(); ++i) {
            studio.press(Qt::Key_Tab);
            visited << QApplication::focusWidget()->accessibleName();
        }
        QCOMPARE(visited.first(), "Fit the window");
        QCOMPARE(visited.last(), "Pictures");
        QCOMPARE(visited.size(), 7);
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

    void aLongFailureIsReadWithoutScrolling() {
        Script script;
        script.fails = [](const std::string&) { return true; };
        script.error = Error(ErrorCode::BadFile,
                             "truncated/unet/diffusion_pytorch_model.safetensors: tensor "
                             "\"up_blocks.2.resnets.1.time_emb_proj.weight\" ends 31505232 bytes "
                             "past the end of the file: the download was cut short.",
                             "Fetch the file again.");
        Studio studio(m_theme, script);
        studio.window.resize(1024, 700);
        studio.window.generate();
        QTRY_VERIFY(studio.button("Try again") != nullptr);
        QTest::qWait(50);
        for (QLabel* label : studio.window.queue().findChildren<QLabel*>())
            if (label->text().startsWith("truncated/"))
                QCOMPARE(label->visibleRegion().boundingRect().height(), label->height());
    }

    void fieldsAreWholeBesideTheScrollBar() {
        Studio studio(m_theme);
        for (FoldSection* fold : studio.window.findChildren<FoldSection*>()) fold->setOpen(true);
        studio.window.resize(800, 600);
        QTest::qWait(50);
        auto* scroll = studio.window.compose().findChild<QScrollArea*>();
        QVERIFY(scroll->verticalScrollBar()->isVisible());
        QVERIFY2(scroll->widget()->width() <= scroll->viewport()->width(),
                 qPrintable(QString("%1 in %2")
                                .arg(scroll->widget()->width())
                                .arg(scroll->viewport()->width())));
    }

    void aSmallWindowKeepsItsSizeThroughAJob() {
        Script script;
        script.holdAtStep = 3;
        Studio studio(m_theme, script);
        studio.window.resize(800, 600);
        QTest::qWait(50);
        studio.window.generate();
        QTRY_VERIFY(studio.window.jobs().active() && studio.window.jobs().active()->step == 3);
        QTest::qWait(50);
        QCOMPARE(studio.window.size(), QSize(800, 600));
        studio.engine.release();
        QTRY_VERIFY(!studio.window.jobs().busy());
        QTest::qWait(50);
        QCOMPARE(studio.window.size(), QSize(800, 600));
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

    void shortcutsAreUniqueAndListed() {
        Studio studio(m_theme);
        QMap<QString, QString> taken;
        for (QAction* action : studio.window.findChildren<QAction*>())
            for (const QKeySequence& keys : action->shortcuts()) {
                const QString text = keys.toString();
                QVERIFY2(!taken.contains(text), qPrintable(text + ": " + action->text()));
                taken[text] = action->text();
            }
        ShortcutsDialog dialog(*studio.window.menuBar(), m_theme, &studio.window);
        QStringList said;
        for (QLabel* label : dialog.findChildren<QLabel*>()) said << label->text();
        QVERIFY(said.join("\n").contains("Ctrl+Return"));
        AboutDialog about(studio.context(), m_theme, &studio.window);
        QVERIFY(!about.findChildren<QLabel*>().isEmpty());
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
