// The folded sections of the compose panel, with real widgets: LoRAs, ControlNets, IP-Adapters, the
// refiner and the second pass, by mouse, keyboard, drop and undo.

#include "app/models/guide_pictures.h"
#include "app/models/prompt_words.h"
#include "app/models/request_document.h"
#include "app/models/steering_nets.h"
#include "app/panels/compose_panel.h"
#include "app/panels/parameter_field.h"
#include "app/panels/sections/companion_box.h"
#include "app/panels/sections/entry_row.h"
#include "app/panels/sections/guide_well.h"
#include "app/panels/sections/list_section.h"
#include "app/widgets/calm_inputs.h"
#include "app/widgets/chip_row.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/number_field.h"
#include "app/widgets/search_popup.h"
#include "app/widgets/theme.h"
#include "app/widgets/weight_field.h"
#include "pipelines/request/parameters.h"
#include "tests/app/gui/watchdog.h"

#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QDropEvent>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMainWindow>
#include <QMimeData>
#include <QScrollArea>
#include <QStandardItemModel>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <QUndoStack>
#include <QUrl>
#include <QWheelEvent>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace kinora::app {
namespace {

using pipelines::ImageRequest;
using Texts = std::vector<std::string>;

core::CompanionInfo file(const char* name, const char* kind, const char* family) {
    core::CompanionInfo info;
    info.name = name;
    info.kind = kind;
    info.family = family;
    info.path = std::string("/models/") + name + ".safetensors";
    return info;
}

core::ModelEntry model(const char* name, const char* family) {
    core::ModelEntry entry;
    entry.name = entry.title = name;
    entry.family = family;
    return entry;
}

// The panel alone, in a window that counts what its Delete would take.
struct Desk {
    explicit Desk(Theme& theme, const ImageRequest& request = {})
        : compose(new ComposePanel(theme, document, pictures)) {
        document.setModels({model("base", "SDXL"), model("polish", "the SDXL refiner"),
                            model("old", "Stable Diffusion 1.x")});
        core::CompanionInfo ink = file("ink", "LoRA", "SDXL");
        ink.triggerWords = {"ink drawing", "lineart"};
        document.setCompanions(
            {ink, file("glow", "LoHa", "SDXL"), file("early", "LoRA", "Stable Diffusion 1.x"),
             file("edges", "ControlNet", "SDXL"), file("sketch", "T2I-Adapter", "SDXL"),
             file("plus", "IP-Adapter", "SDXL")});
        ImageRequest first = request;
        first.model = "base";
        document.setInitial(first);
        window.setCentralWidget(compose);
        QAction* remove = window.addAction("Remove from the strip");
        remove->setShortcut(QKeySequence("Del"));
        QObject::connect(remove, &QAction::triggered, [this] { ++removedFromStrip; });
        window.resize(340, 900);
        window.show();
        window.activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(&window));
    }
    ListSection& list(const char* parameter) {
        auto* section = dynamic_cast<ListSection*>(compose->sectionOf(parameter));
        section->setOpen(true);
        return *section;
    }
    template <typename Widget> Widget* named(const QString& accessibleName, int which = 0) {
        for (Widget* widget : compose->findChildren<Widget*>())
            if (widget->accessibleName() == accessibleName && widget->isVisibleTo(compose) &&
                which-- == 0)
                return widget;
        return nullptr;
    }
    QString picture(const char* name) const {
        QImage image(40, 30, QImage::Format_RGB32);
        image.fill(Qt::darkCyan);
        const QString path = folder.path() + "/" + name;
        image.save(path);
        return path;
    }
    const ImageRequest& request() const { return document.request(); }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QTest::keyClick(QApplication::focusWidget(), key, modifiers);
    }

    QTemporaryDir folder;
    QUndoStack undo;
    RequestDocument document{undo};
    GuidePictures pictures{folder.path().toStdString() + "/kept"};
    QMainWindow window;
    ComposePanel* compose;
    int removedFromStrip = 0;
};

// Five thousand LoRAs, every tenth of which goes with the model "old".
std::vector<core::CompanionInfo> thousandsOfLoras() {
    std::vector<core::CompanionInfo> files;
    for (int i = 0; i < 5000; ++i)
        files.push_back(file(("style " + std::to_string(i)).c_str(), "LoRA",
                             i % 10 == 9 ? "Stable Diffusion 1.x" : "SDXL"));
    files[1234].title = "Copperplate etching";
    files[2345].triggerWords = {"woodcut", "old print"};
    return files;
}

// As a person does who opens the list.
void pick(QComboBox* box, const QString& text) {
    const int index = box->findText(text, Qt::MatchStartsWith);
    QVERIFY2(index >= 0, qPrintable(text));
    box->setCurrentIndex(index);
    emit box->activated(index);
}

void drop(QWidget* widget, const QString& path) {
    QMimeData data;
    data.setUrls({QUrl::fromLocalFile(path)});
    QDragEnterEvent enter({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(widget, &enter);
    QVERIFY(enter.isAccepted());
    QDropEvent event({5, 5}, Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(widget, &event);
}

ImageRequest fullRequest(const std::string& picture) {
    ImageRequest request;
    request.prompt = "a red apple";
    request.loras = {"ink:0.8", "glow:0.5:0.25"};
    request.controls = {"edges:0.7:0.1:0.9"};
    request.controlImages = {picture};
    request.controlPrepare = {"canny"};
    request.controlGuess = "on";
    request.adapters = {"sketch:1.2"};
    request.adapterImages = {picture};
    request.ipAdapters = {"plus:" + picture + ":0.6"};
    request.imageEncoder = "clip-h";
    request.refiner = "polish";
    request.refinerAt = 0.7;
    request.hires = 1.5;
    request.hiresSteps = 12;
    request.hiresStrength = 0.4;
    return request;
}

} // namespace

class SectionsTest : public QObject {
    Q_OBJECT
    Theme m_theme;

  private slots:
    void initTestCase() { m_theme.applyTo(*qApp); }

    void thousandsOfLorasAreSearchedByTyping() {
        Desk desk(m_theme);
        // In the computing time of this thread: others may need the machine meanwhile.
        auto clock = [last = testing::computedMilliseconds()]() mutable {
            QCoreApplication::processEvents(); // what is to be painted, too
            const double now = testing::computedMilliseconds();
            return now - std::exchange(last, now);
        };
        desk.document.setCompanions(thousandsOfLoras());
        const double filled = clock();
        CompanionBox* box = desk.list("lora").adder();
        box->setFocus();
        clock();
        desk.press(Qt::Key_S); // opens with what is typed
        SearchPopup* search = box->searchPopup();
        QVERIFY(search != nullptr && search->isVisible());
        const double opened = clock();
        double slowest = 0;
        const auto type = [&](const char* letters) {
            for (const char* letter = letters; *letter != '\0'; ++letter) {
                QTest::keyClick(search->field(), *letter);
                slowest = std::max(slowest, clock());
            }
        };
        type("tyle");
        QCOMPARE(search->list()->model()->rowCount(), 5000);
        search->field()->selectAll();
        type("woodcut");
        QCOMPARE(search->list()->model()->rowCount(), 1);
        QTest::keyClick(search->field(), Qt::Key_Return);
        QVERIFY(!search->isVisible());
        QCOMPARE(desk.request().loras, Texts{"style 2345"});
        qInfo("5000 entries: filled in %.0f ms, opened in %.0f, the slowest letter in %.1f", filled,
              opened, slowest);
        QVERIFY2(filled < 1000 && opened < 500 && slowest < 50, "too slow");
    }

    void longListsAreFoundByTitleAndWordsInAnyOrder() {
        Desk desk(m_theme);
        desk.document.setCompanions(thousandsOfLoras());
        CompanionBox* box = desk.list("lora").adder();
        box->showPopup();
        SearchPopup* search = box->searchPopup();
        const auto shown = [&](const char* text) {
            search->field()->setText(text);
            return search->list()->model()->rowCount();
        };
        QCOMPARE(shown("etching COPPER"), 1);
        QCOMPARE(shown("style 12 3"), 47);
        QCOMPARE(shown("no such"), 0);
        QVERIFY(!search->list()->isVisible()); // says so instead
        QTest::keyClick(search->field(), Qt::Key_Return);
        QVERIFY(search->isVisible());
        QCOMPARE(shown("style 4999"), 1);
        QVERIFY(search->list()->isVisible());
        QTest::keyClick(search->field(), Qt::Key_Return); // it does not go with the model
        QVERIFY(desk.request().loras.empty());
    }

    void longListsAreUsedByKeysAlone() {
        Desk desk(m_theme);
        desk.document.setCompanions(thousandsOfLoras());
        CompanionBox* box = desk.list("lora").adder();
        box->setFocus();
        desk.press(Qt::Key_Down); // a step opens: it would add what comes first
        SearchPopup* search = box->searchPopup();
        QVERIFY(search != nullptr && search->isVisible());
        QCOMPARE(search->list()->currentIndex().row(), 0);
        for (const Qt::Key key : {Qt::Key_Down, Qt::Key_PageDown, Qt::Key_Up})
            QTest::keyClick(search->field(), key);
        QCOMPARE(search->list()->currentIndex().row(), 11);
        for (const Qt::Key key : {Qt::Key_Escape, Qt::Key_Tab}) {
            QTest::keyClick(search->field(), key);
            QVERIFY(!search->isVisible());
            QCOMPARE(QApplication::focusWidget(), box);
            desk.press(Qt::Key_Down);
            QVERIFY(search->isVisible());
        }
        QVERIFY(desk.request().loras.empty());
        for (int i = 0; i < 3; ++i) QTest::keyClick(search->field(), Qt::Key_Down);
        QTest::keyClick(search->field(), Qt::Key_Return);
        QCOMPARE(desk.request().loras, Texts{"style 100"});
    }

    void addersTakeNothingByTheWheelOrAStep() {
        Desk desk(m_theme); // a list that is short
        CompanionBox* box = desk.list("lora").adder();
        box->setFocus();
        QWheelEvent wheel({5, 5}, box->mapToGlobal(QPointF(5, 5)), {}, {0, -120}, Qt::NoButton,
                          Qt::NoModifier, Qt::NoScrollPhase, false);
        QCoreApplication::sendEvent(box, &wheel);
        QVERIFY(desk.request().loras.empty());
        desk.press(Qt::Key_Down);
        QVERIFY(box->view()->isVisible());
        QVERIFY(desk.request().loras.empty());
        box->hidePopup();
    }

    void areFoldedUntilTheyAreUsedAndSayWhatIsOn() {
        Desk desk(m_theme);
        for (const ComposeSection* section : desk.compose->sections()) {
            QVERIFY(!section->isOpen());
            QCOMPARE(section->hint(), QString());
        }
        desk.document.setInitial(fullRequest(desk.picture("a.png").toStdString()));
        QStringList hints;
        for (const ComposeSection* section : desk.compose->sections()) {
            QVERIFY(section->isOpen());
            hints << section->hint();
        }
        QCOMPARE(hints, QStringList({"2", "edges, 0.7; sketch, 1.2", "plus, 0.6",
                                     "polish, from 0.7", QString("1.5") + QChar(0x00d7)}));
        desk.compose->sections().front()->setOpen(false);
        QCOMPARE(desk.compose->sections().front()->header()->text(),
                 QString("LoRA ") + QChar(0x00b7) + " 2");
    }

    void showWhatTheRequestHolds() {
        Desk desk(m_theme);
        ImageRequest request = fullRequest(desk.picture("a.png").toStdString());
        request.model = "base";
        desk.document.setInitial(request);
        QCOMPARE(desk.named<CompanionBox>("LoRA", 0)->currentText(), "ink");
        QCOMPARE(desk.named<NumberField>("LoRA weight", 0)->value(), 0.8);
        QCOMPARE(desk.named<CompanionBox>("LoRA", 1)->currentText(), "glow");
        QCOMPARE(desk.named<NumberField>("LoRA weight for the text encoder")->value(), 0.25);
        QCOMPARE(desk.named<NumberField>("ControlNet weight", 0)->value(), 0.7);
        QCOMPARE(desk.named<NumberField>("ControlNet begins", 0)->value(), 0.1);
        QCOMPARE(desk.named<NumberField>("ControlNet ends", 0)->value(), 0.9);
        QCOMPARE(desk.named<ChoiceBox>("ControlNet preparation", 0)->currentData(), "canny");
        QVERIFY(desk.named<QCheckBox>("Guess mode")->isChecked());
        QCOMPARE(desk.named<NumberField>("ControlNet weight", 1)->value(), 1.2);
        QCOMPARE(desk.named<NumberField>("IP-Adapter weight")->value(), 0.6);
        QCOMPARE(desk.named<ChoiceBox>("Refiner")->currentData(), "polish");
        QCOMPARE(desk.named<NumberField>("Refiner from")->value(), 0.7);
        QCOMPARE(desk.named<NumberField>("Second pass")->value(), 1.5);
        QCOMPARE(desk.named<NumberField>("Steps of second pass")->value(), 12.0);
        QCOMPARE(desk.named<NumberField>("Strength of second pass")->value(), 0.4);
        QTRY_VERIFY(!desk.named<GuideWell>("The picture that the net follows", 1)->isEmpty());
        QCOMPARE(desk.undo.count(), 0); // to show is not to edit
        QVERIFY(toJson(desk.request()) == toJson(request));
    }

    void editEveryPartInOneStepEach() {
        Desk desk(m_theme, fullRequest("/no/a.png"));
        const auto step = [&](const char* what) {
            QVERIFY2(desk.undo.count() == 1, what);
            desk.undo.undo();
            desk.undo.clear();
            desk.document.endEdit();
        };
        desk.named<NumberField>("LoRA weight", 0)->setValue(0.3);
        QCOMPARE(desk.request().loras.front(), std::string("ink:0.3"));
        step("weight");
        desk.named<NumberField>("ControlNet weight", 0)->setValue(0.2);
        QCOMPARE(desk.request().controls.front(), std::string("edges:0.2:0.1:0.9"));
        step("net's weight");
        desk.named<NumberField>("ControlNet begins", 0)->setValue(0);
        QCOMPARE(desk.request().controls.front(), std::string("edges:0.7:0:0.9"));
        step("begin");
        desk.named<NumberField>("ControlNet ends", 1)->setValue(0.5);
        QCOMPARE(desk.request().adapters.front(), std::string("sketch:1.2:0:0.5"));
        step("end");
        pick(desk.named<ChoiceBox>("ControlNet preparation", 1), "Blur");
        QCOMPARE(desk.request().adapterPrepare, Texts{"blur"});
        step("preparation");
        desk.named<QCheckBox>("Guess mode")->click();
        QVERIFY(!desk.request().controlGuess.has_value());
        step("guess mode");
        desk.named<NumberField>("IP-Adapter weight")->setValue(0.9);
        QCOMPARE(desk.request().ipAdapters.front(), std::string("plus:/no/a.png:0.9"));
        step("picture's weight");
        pick(desk.named<ChoiceBox>("Refiner"), "None");
        QVERIFY(!desk.request().refiner.has_value() && !desk.request().refinerAt.has_value());
        step("refiner");
        desk.named<QCheckBox>("Make it larger in a second pass")->click();
        QVERIFY(!desk.request().hires.has_value() && !desk.request().hiresSteps.has_value());
        step("second pass");
        QCOMPARE(*desk.request().hiresSteps, 12);
    }

    void filesAreAddedAndTakenAwayAndUndoBringsThemBack() {
        Desk desk(m_theme);
        pick(desk.list("lora").adder(), "ink");
        pick(desk.list("lora").adder(), "glow");
        QCOMPARE(desk.request().loras, (Texts{"ink", "glow"}));
        QCOMPARE(desk.list("lora").rows().size(), 2u);
        QCOMPARE(desk.list("lora").adder()->currentIndex(), -1);
        desk.named<QToolButton>("Remove this LoRA", 0)->click();
        QCOMPARE(desk.request().loras, Texts{"glow"});
        QCOMPARE(desk.named<CompanionBox>("LoRA")->currentText(), "glow");
        desk.undo.undo();
        QCOMPARE(desk.request().loras, (Texts{"ink", "glow"}));
        desk.undo.undo();
        desk.undo.undo();
        QVERIFY(desk.request().loras.empty());
        QCOMPARE(desk.list("lora").rows().size(), 0u);
    }

    void whatIsForAnotherFamilyIsGreyedWithTheReason() {
        Desk desk(m_theme);
        QComboBox* adder = desk.list("lora").adder();
        const int early = adder->findText("early (for Stable Diffusion 1.x; this model is SDXL)");
        QVERIFY(early >= 0);
        auto* items = qobject_cast<QStandardItemModel*>(adder->model());
        QVERIFY(!items->item(early)->isEnabled());
        QVERIFY(items->item(adder->findText("ink"))->isEnabled());
        desk.document.setText(*pipelines::findImageParameter("model"), "old");
        items = qobject_cast<QStandardItemModel*>(adder->model()); // filled anew
        QVERIFY(items->item(adder->findText("early"))->isEnabled());
        QVERIFY(!items->item(adder->findText("ink", Qt::MatchStartsWith))->isEnabled());
        auto* refiner = desk.named<ChoiceBox>("Refiner");
        desk.compose->sectionOf("refiner")->setOpen(true);
        refiner = desk.named<ChoiceBox>("Refiner");
        QVERIFY(refiner->findText("polish (the SDXL refiner; this model is Stable Diffusion 1.x)") >
                0);
    }

    void aFileThatDoesNotFitOrIsMissingSaysSoAtItsRow() {
        Desk desk(m_theme);
        ImageRequest request = desk.request();
        request.loras = {"early", "gone", "ink"};
        desk.document.setInitial(request);
        const auto& rows = desk.list("lora").rows();
        QCOMPARE(rows[0]->problem(), "For Stable Diffusion 1.x; this model is SDXL.");
        QCOMPARE(rows[1]->problem(), "There is no LoRA of this name here.");
        QCOMPARE(rows[2]->problem(), QString());
    }

    void deleteTakesTheRowThatHasTheFocusAndNothingElse() {
        ImageRequest request;
        request.loras = {"ink", "glow"};
        Desk desk(m_theme, request);
        desk.named<CompanionBox>("LoRA", 0)->setFocus();
        desk.press(Qt::Key_Delete);
        QCOMPARE(desk.request().loras, Texts{"glow"});
        QVERIFY(desk.named<CompanionBox>("LoRA", 0)->hasFocus());
        desk.press(Qt::Key_Delete);
        QVERIFY(desk.request().loras.empty());
        QVERIFY(desk.list("lora").adder()->hasFocus());
        QCOMPARE(desk.removedFromStrip, 0);
    }

    void tabGoesThroughOpenSectionsInReadingOrder() {
        Desk desk(m_theme, fullRequest("/no/a.png"));
        desk.window.resize(340, 2400);
        QTest::qWait(20);
        desk.compose->sections().front()->header()->setFocus();
        QPoint last(0, -1);
        QStringList visited;
        for (int i = 0; i < 60; ++i) {
            QWidget* focused = QApplication::focusWidget();
            const QPoint at = focused->mapTo(desk.compose, focused->rect().center());
            visited << focused->accessibleName();
            const bool later = at.y() > last.y() + 6 || at.x() > last.x();
            QVERIFY2(later || focused->accessibleName() == "ControlNet weight slider" ||
                         focused->accessibleName().endsWith("preparation"),
                     qPrintable(visited.join(" > ")));
            last = at;
            if (focused->accessibleName() == "More") break;
            desk.press(Qt::Key_Tab);
        }
        QCOMPARE(visited.last(), "More");
        for (const char* name : {"LoRA", "LoRA weight", "Add a LoRA\u2026", "ControlNet weight",
                                 "The picture that the net follows", "IP-Adapter weight"})
            QVERIFY2(visited.contains(name), name);
    }

    void aNetIsGivenItsPicture() {
        Desk desk(m_theme);
        ListSection& nets = desk.list("control");
        pick(nets.adder(), "edges");
        QCOMPARE(nets.rows()[0]->problem(), "Give it the picture that it follows.");
        auto* well = desk.named<GuideWell>("The picture that the net follows");
        const QString path = desk.picture("guide.png");
        drop(well, path);
        QCOMPARE(desk.request().controlImages, Texts{path.toStdString()});
        QCOMPARE(nets.rows()[0]->problem(), QString());
        QTRY_VERIFY(!well->isEmpty());
        desk.undo.undo();
        QCOMPARE(desk.request().controlImages, Texts{""});
        QVERIFY(well->isEmpty());
        const QString other = desk.picture("other.png");
        desk.compose->usePicture("control", other.toStdString()); // from the strip
        QCOMPARE(desk.request().controlImages, Texts{other.toStdString()});
    }

    void aPictureOfTheStripTakesTheOnlyNetThatFits() {
        Desk desk(m_theme);
        const std::string picture = desk.picture("a.png").toStdString();
        desk.compose->usePicture("control", picture); // two fit: that is a person's choice
        QVERIFY(desk.request().controls.empty());
        QVERIFY(!desk.compose->notice()->text().isEmpty());
        desk.document.setCompanions({file("edges", "ControlNet", "SDXL"),
                                     file("old", "ControlNet", "Stable Diffusion 1.x"),
                                     file("plus", "IP-Adapter", "SDXL")});
        desk.compose->usePicture("control", picture);
        QCOMPARE(desk.request().controls, Texts{"edges"});
        QCOMPARE(desk.request().controlImages, Texts{picture});
        desk.compose->usePicture("ipAdapter", picture);
        QCOMPARE(desk.request().ipAdapters, Texts{"plus:" + picture + ":1"});
    }

    void aPastedPictureBecomesAFileThatIsKeptOnce() {
        ImageRequest request;
        request.controls = {"edges", "edges"};
        request.controlImages = {"", ""};
        Desk desk(m_theme, request);
        QImage image(16, 16, QImage::Format_RGB32);
        image.fill(Qt::red);
        QGuiApplication::clipboard()->setImage(image);
        for (int i : {0, 1}) {
            desk.named<GuideWell>("The picture that the net follows", i)->setFocus();
            desk.press(Qt::Key_V, Qt::ControlModifier);
            QTRY_VERIFY(!desk.request().controlImages[static_cast<size_t>(i)].empty());
        }
        QCOMPARE(desk.request().controlImages[0], desk.request().controlImages[1]);
        QCOMPARE(QImage(QString::fromStdString(desk.request().controlImages[0])).pixelColor(3, 3),
                 QColor(Qt::red));
    }

    void aPictureThatCannotBeReadIsSaid() {
        ImageRequest request;
        request.controls = {"edges"};
        request.controlImages = {"/no/such.png"};
        Desk desk(m_theme, request);
        QTRY_VERIFY2(desk.list("control").rows()[0]->problem().contains("such.png"),
                     qPrintable(desk.list("control").rows()[0]->problem()));
    }

    void aNetOfTheOtherKindGoesToItsList() {
        ImageRequest request;
        request.controls = {"edges:0.5"};
        request.controlImages = {"/no/a.png"};
        request.controlGuess = "on";
        Desk desk(m_theme, request);
        pick(desk.named<CompanionBox>("ControlNet", 0), "sketch");
        QVERIFY(desk.request().controls.empty() && desk.request().controlImages.empty());
        QVERIFY(!desk.request().controlGuess.has_value());
        QCOMPARE(desk.request().adapters, Texts{"sketch:0.5"});
        QCOMPARE(desk.request().adapterImages, Texts{"/no/a.png"});
        QVERIFY(desk.named<QCheckBox>("Guess mode") == nullptr);
    }

    void aPicturePromptIsInTheRequestOnceItHasItsPicture() {
        Desk desk(m_theme);
        ListSection& adapters = desk.list("ipAdapter");
        pick(adapters.adder(), "plus");
        QCOMPARE(adapters.rows().size(), 1u);
        QCOMPARE(adapters.rows()[0]->problem(), "Give it the picture that it looks at.");
        QVERIFY(desk.request().ipAdapters.empty());
        desk.named<NumberField>("IP-Adapter weight")->setValue(0.5);
        const QString path = desk.picture("cat.png");
        drop(desk.named<GuideWell>("The picture that it looks at"), path);
        QCOMPARE(desk.request().ipAdapters, Texts{"plus:" + path.toStdString() + ":0.5"});
        QCOMPARE(adapters.rows().size(), 1u);
        QCOMPARE(desk.undo.count(), 1);
        desk.named<QToolButton>("Remove this IP-Adapter")->click();
        QVERIFY(desk.request().ipAdapters.empty());
    }

    void triggerWordsGoIntoThePromptAndOutOfIt() {
        ImageRequest request;
        request.prompt = "a castle";
        request.loras = {"ink"};
        Desk desk(m_theme, request);
        auto* words = desk.named<ChipRow>("Trigger words");
        QCOMPARE(words->chips(), QStringList({"ink drawing", "lineart"}));
        desk.named<QToolButton>("ink drawing")->click();
        desk.named<QToolButton>("lineart")->click();
        QCOMPARE(desk.request().prompt, std::string("a castle, ink drawing, lineart"));
        desk.named<QToolButton>("ink drawing")->click();
        QCOMPARE(desk.request().prompt, std::string("a castle, lineart"));
        desk.undo.undo();
        QVERIFY(desk.named<QToolButton>("ink drawing")->isChecked());
    }

    void wordsAreFoundAsWords() {
        QVERIFY(hasWords("a Cat, asleep", "cat"));
        QVERIFY(!hasWords("concatenate", "cat"));
        QCOMPARE(withWords("", "cat"), "cat");
        QCOMPARE(withWords("a, ", "cat"), "a, cat");
        QCOMPARE(withoutWords("cat, a dog", "cat"), "a dog");
        QCOMPARE(withoutWords("a dog, cat", "cat"), "a dog");
        QCOMPARE(withoutWords("a cat sits", "cat"), "a sits");
    }

    void aRefusalIsSaidWhereItWasChosenInTheWindowsWords() {
        Desk desk(m_theme, fullRequest("/no/a.png"));
        const Error error(ErrorCode::InvalidArgument,
                          "A refiner finishes pictures that are made from a text in one pass.",
                          "Leave out --init or --hires, or the refiner.");
        desk.compose->showPlan(error);
        QCOMPARE(desk.compose->sectionOf("refiner")->problem(),
                 QString("A refiner finishes pictures that are made from a text in one pass. Leave "
                         "out \u201cStart picture\u201d or \u201cSecond pass\u201d, or the "
                         "refiner."));
        desk.compose->showPlan(
            Error(ErrorCode::Unsupported, "ink.safetensors: was made for Flux.", ""));
        QCOMPARE(desk.compose->sectionOf("refiner")->problem(), QString());
        QVERIFY(desk.compose->sectionOf("lora")->problem().startsWith("ink.safetensors"));
        desk.compose->showPlan(pipelines::Plan{});
        QCOMPARE(desk.compose->sectionOf("lora")->problem(), QString());
    }

    void aDroppedFileGoesToItsSection() {
        Desk desk(m_theme);
        QVERIFY(desk.compose->useFile(file("glow", "LoHa", "SDXL")));
        QVERIFY(desk.compose->useFile(file("far", "ControlNet", "SDXL")));
        QVERIFY(!desk.compose->useFile(file("taesd", "VAE", "")));
        QCOMPARE(desk.request().loras, Texts{"glow"}); // by name: it is in the library
        QCOMPARE(desk.request().controls, Texts{"/models/far.safetensors"});
    }

    void aFileOfOneKindIsChosenFromThoseThatAreHere() {
        Desk desk(m_theme);
        desk.document.setCompanions({file("taesd", "VAE", ""), file("ink", "LoRA", "SDXL")});
        for (FoldSection* fold : desk.compose->findChildren<FoldSection*>()) fold->setOpen(true);
        auto* vae = desk.named<CompanionBox>("VAE");
        QCOMPARE(vae->count(), 2);
        QCOMPARE(vae->currentText(), "The model's own");
        pick(vae, "taesd");
        QCOMPARE(*desk.request().vae, std::string("taesd"));
        QCOMPARE(vae->currentText(), "taesd");
        desk.undo.undo();
        QCOMPARE(vae->currentText(), "The model's own");
        desk.undo.redo();
        pick(vae, "The model's own");
        QVERIFY(!desk.request().vae.has_value());
    }

    void upscalersAreChosenWhereTheTableHasThem() {
        Desk desk(m_theme);
        core::CompanionInfo larger = file("larger", "upscaler", "4x, ESRGAN");
        desk.document.setCompanions({larger});
        const auto* own = pipelines::findImageParameter("hiresUpscaler");
        QCOMPARE(desk.compose->useFile(larger), own != nullptr);
        QCOMPARE(desk.request().hires.has_value(), own != nullptr);
        for (const char* name : {"hiresUpscaler", "upscaler"})
            if (const auto* parameter = pipelines::findImageParameter(name)) {
                pick(desk.named<CompanionBox>(toQString(parameter->label)), "larger");
                QCOMPARE(*pipelines::toText(desk.request(), *parameter), std::string("larger"));
            }
    }

    void unsetNumbersSaySoAndTakeAValue() {
        ImageRequest request;
        request.hires = 2;
        Desk desk(m_theme, request);
        auto* steps = desk.named<NumberField>("Steps of second pass");
        QCOMPARE(steps->text(), "Auto");
        steps->setFocus();
        desk.press(Qt::Key_Up);
        QCOMPARE(*desk.request().hiresSteps, 1);
        QCOMPARE(steps->minimum(), 1.0);
        desk.document.reset(*pipelines::findImageParameter("hiresSteps"));
        QCOMPARE(steps->text(), "Auto");
    }

    void everythingIsWholeInTheNarrowestPanel() {
        Desk desk(m_theme, fullRequest("/no/a.png"));
        desk.window.resize(desk.compose->minimumWidth(), 600);
        QTest::qWait(50);
        auto* scroll = desk.compose->findChild<QScrollArea*>();
        QVERIFY2(scroll->widget()->width() <= scroll->viewport()->width(),
                 qPrintable(QString("%1 in %2")
                                .arg(scroll->widget()->width())
                                .arg(scroll->viewport()->width())));
        for (const ComposeSection* section : desk.compose->sections())
            QVERIFY2(section->minimumSizeHint().width() <= 300,
                     qPrintable(section->header()->text()));
    }

    void picturesStayWithTheNetsThatAreTheSame() {
        ImageRequest before;
        before.controls = {"edges:0.5", "depth"};
        before.controlImages = {"a.png", "b.png"};
        ImageRequest after;
        after.controls = {"edges", "pose", "depth"};
        keepPicturesOf(after, before);
        QCOMPARE(after.controlImages, (Texts{"a.png", "", ""}));
        before.ipAdapters = {"plus:/pictures/cat.png:1"};
        after.ipAdapters = {"plus:cat:0.5", "plus:dog:1"};
        keepPicturesOf(after, before);
        QCOMPARE(after.ipAdapters, (Texts{"plus:/pictures/cat.png:0.5", "plus:dog:1"}));
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::SectionsTest)
#include "sections_test.moc"
