// The prompt with what the starter model knows: chips, completions, hints; as a person uses them.

#include "app/models/guide_pictures.h"
#include "app/models/request_document.h"
#include "app/models/vocabulary_loader.h"
#include "app/panels/compose_panel.h"
#include "app/widgets/chip_row.h"
#include "app/widgets/completion_list.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/hint_line.h"
#include "app/widgets/theme.h"
#include "core/library/model_library.h"

#include <QAction>
#include <QApplication>
#include <QMainWindow>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>
#include <QUndoStack>

#include <fstream>

namespace kinora::app {
namespace {

// The compose panel in a window that counts what its shortcuts would do.
struct Desk {
    explicit Desk(Theme& theme, const std::filesystem::path& model)
        : document(undo), compose(new ComposePanel(theme, document, pictures)) {
        pipelines::ImageRequest request;
        request.prompt = "";
        document.setInitial(request);
        window.setCentralWidget(compose);
        for (QAction* action : {&cancel, &generate}) window.addAction(action);
        cancel.setShortcut(QKeySequence(Qt::Key_Escape));
        generate.setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Return));
        QObject::connect(&cancel, &QAction::triggered, [this] { ++cancelled; });
        QObject::connect(&generate, &QAction::triggered, [this] { ++generated; });
        window.resize(340, 700);
        window.show();
        window.activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(&window));
        core::ModelEntry entry;
        entry.name = "starter-image";
        entry.title = "Kinora starter";
        entry.builtIn = true;
        entry.path = model;
        document.setModels({entry});
        compose->focusPrompt();
    }
    template <typename Widget> Widget* part() { return window.findChild<Widget*>(); }
    GrowingTextEdit* prompt() { return part<GrowingTextEdit>(); }
    QString text() { return prompt()->toPlainText(); }
    bool offers() { return part<CompletionList>()->isVisible(); }
    QString current() { return part<CompletionList>()->currentIndex().data().toString(); }
    QToolButton* chip(const QString& text) {
        for (QToolButton* chip : part<ChipRow>()->findChildren<QToolButton*>())
            if (chip->text() == text) return chip;
        return nullptr;
    }
    QPushButton* link() { return part<HintLine>()->findChild<QPushButton*>(); }
    void type(const QString& text) { QTest::keyClicks(prompt(), text); }
    void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QTest::keyClick(QApplication::focusWidget(), key, modifiers);
    }

    QUndoStack undo;
    RequestDocument document;
    QTemporaryDir folder;
    GuidePictures pictures{folder.path().toStdString()};
    QAction cancel, generate;
    QMainWindow window;
    ComposePanel* compose;
    int cancelled = 0, generated = 0;
};

} // namespace

class PromptFieldTest : public QObject {
    Q_OBJECT
    Theme m_theme;

    static std::filesystem::path starter() { return core::builtInModelsFolder() / "starter-image"; }

  private slots:
    void initTestCase() { m_theme.applyTo(*qApp); }

    void stylesAreOfferedOnlyWhereTheModelHasThem() {
        const QTemporaryDir empty;
        Desk without(m_theme, empty.path().toStdString());
        QTest::qWait(200);
        QVERIFY(!without.part<ChipRow>()->isVisible());
        without.type("3d emoji of ro, zyzzyva ");
        QTest::qWait(500);
        QVERIFY(!without.offers());
        QCOMPARE(without.part<HintLine>()->text(), QString());
        Desk with(m_theme, starter());
        QTRY_VERIFY(with.part<ChipRow>()->isVisible());
        QCOMPARE(with.part<ChipRow>()->findChildren<QToolButton*>().size(), 8);
    }

    void aDamagedVocabularyIsSaid() {
        const QTemporaryDir folder;
        std::ofstream(folder.path().toStdString() + "/vocabulary.json") << "{";
        Desk desk(m_theme, folder.path().toStdString());
        QTRY_VERIFY(desk.part<HintLine>()->text().contains("vocabulary.json"));
        QVERIFY(!desk.part<ChipRow>()->isVisible());
    }

    void answersOfEarlierModelsAreDropped() {
        VocabularyLoader loader;
        QSignalSpy loaded(&loader, &VocabularyLoader::loaded);
        loader.watch(starter());
        loader.watch({});
        QTest::qWait(600);
        QCOMPARE(loaded.size(), 1);
        loader.watch({});
        QTest::qWait(100);
        QCOMPARE(loaded.size(), 1);
    }

    void theStyleThatThePromptNamesIsShown() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("Flat emoji of a dog");
        QCOMPARE(desk.part<ChipRow>()->chosen(), "flat emoji");
        QVERIFY(desk.chip("flat emoji")->isChecked());
        desk.prompt()->selectAll();
        desk.type("a dog");
        QCOMPARE(desk.part<ChipRow>()->chosen(), QString());
    }

    void aChipWritesItsStyleInOneUndoStep() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("red apple");
        const int steps = desk.undo.count();
        QTest::mouseClick(desk.chip("3d emoji"), Qt::LeftButton);
        QCOMPARE(desk.text(), "3d emoji of red apple");
        QCOMPARE(desk.prompt()->textCursor().position(), desk.text().size());
        QVERIFY(desk.prompt()->hasFocus());
        QTest::mouseClick(desk.chip("gradient emoji"), Qt::LeftButton);
        QCOMPARE(desk.text(), "gradient emoji of red apple");
        QVERIFY(!desk.chip("3d emoji")->isChecked());
        QTest::mouseClick(desk.chip("gradient emoji"), Qt::LeftButton);
        QCOMPARE(desk.text(), "red apple");
        QVERIFY(!desk.chip("gradient emoji")->isChecked());
        QCOMPARE(desk.undo.count(), steps + 3);
        desk.undo.undo();
        QCOMPARE(desk.text(), "gradient emoji of red apple");
        QVERIFY(desk.chip("gradient emoji")->isChecked());
    }

    void chipsAreOneStopOfTabAndArrowsMoveInside() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.press(Qt::Key_Tab);
        QVERIFY(desk.chip("3d emoji")->hasFocus());
        QCOMPARE(desk.chip("3d emoji")->accessibleName(), "3d emoji");
        desk.press(Qt::Key_Right);
        QVERIFY(desk.chip("flat emoji")->hasFocus());
        desk.press(Qt::Key_Space);
        QCOMPARE(desk.text(), "flat emoji of ");
        desk.press(Qt::Key_Home);
        desk.press(Qt::Key_Left);
        QVERIFY(desk.chip("modern avatar")->hasFocus());
        desk.press(Qt::Key_Return);
        QCOMPARE(desk.text(), "modern avatar of ");
        QVERIFY(desk.chip("modern avatar")->hasFocus());
        desk.press(Qt::Key_Tab);
        QVERIFY(!desk.part<ChipRow>()->isAncestorOf(QApplication::focusWidget()));
        desk.press(Qt::Key_Backtab, Qt::ShiftModifier);
        QVERIFY(desk.chip("modern avatar")->hasFocus());
    }

    void chipsTakeMoreLinesInANarrowPanel() {
        ChipRow row(m_theme);
        row.setChips({"3d emoji", "soft shaded emoji", "modern flat emoji", "cartoon avatar"});
        row.ensurePolished();
        const int one = row.heightForWidth(2000);
        QCOMPARE(one, m_theme.measure("chip"));
        QVERIFY(row.heightForWidth(200) >= 2 * one);
        row.resize(200, row.heightForWidth(200));
        row.show();
        for (QToolButton* chip : row.findChildren<QToolButton*>())
            QVERIFY(row.rect().contains(chip->geometry()));
    }

    void aSubjectIsCompletedInOneUndoStep() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("3d emoji of ro");
        QVERIFY(desk.offers());
        const auto* list = desk.part<CompletionList>();
        QVERIFY(list->model()->rowCount() <= 8);
        QVERIFY(desk.prompt()->hasFocus());
        QVERIFY(desk.current().startsWith("ro"));
        desk.press(Qt::Key_Down);
        const QString second = desk.current();
        QCOMPARE(list->currentIndex().row(), 1);
        desk.press(Qt::Key_Up);
        desk.press(Qt::Key_Up);
        QCOMPARE(list->currentIndex().row(), list->model()->rowCount() - 1);
        desk.press(Qt::Key_Down);
        desk.press(Qt::Key_Down);
        desk.press(Qt::Key_Return);
        QCOMPARE(desk.text(), "3d emoji of " + second);
        QVERIFY(!desk.offers());
        desk.undo.undo();
        QCOMPARE(desk.text(), "3d emoji of ro");
        QVERIFY(!desk.offers());
    }

    void tabChoosesAndTheTextBehindStays() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("3d emoji of , white");
        for (int i = 0; i < 7; ++i) desk.press(Qt::Key_Left);
        desk.type("roter a");
        QVERIFY(desk.offers());
        QCOMPARE(desk.current(), "red apple");
        desk.press(Qt::Key_Tab);
        QCOMPARE(desk.text(), "3d emoji of red apple, white");
        QCOMPARE(desk.prompt()->textCursor().position(), 21);
        QVERIFY(desk.prompt()->hasFocus());
    }

    void aWholeSubjectIsNotCompleted() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("3d emoji of a red appl");
        QVERIFY(desk.offers());
        desk.type("e");
        QVERIFY(!desk.offers());
    }

    void escapeClosesTheListAndOnlyThenCancels() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("ro");
        QVERIFY(desk.offers());
        desk.press(Qt::Key_Escape);
        QVERIFY(!desk.offers());
        QCOMPARE(desk.cancelled, 0);
        desk.press(Qt::Key_Escape);
        QCOMPARE(desk.cancelled, 1);
        desk.type("c");
        QVERIFY(desk.offers());
        desk.press(Qt::Key_Return, Qt::ControlModifier);
        QCOMPARE(desk.generated, 1);
        QCOMPARE(desk.text(), "roc");
        QVERIFY(!desk.offers());
    }

    void theListIsWholeInsideTheWindow() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("flat emoji of wom");
        const auto* list = desk.part<CompletionList>();
        QVERIFY(list->isVisible());
        QVERIFY(desk.window.rect().contains(list->geometry()));
        const int top = list->mapTo(&desk.window, QPoint()).y();
        QVERIFY(top > desk.prompt()->mapTo(&desk.window, QPoint()).y());
        QVERIFY(list->width() <= desk.prompt()->width());
        desk.compose->setFocus();
        desk.prompt()->clearFocus();
        QVERIFY(!desk.offers());
    }

    void anotherLanguageIsTranslatedByItsLink() {
        Desk desk(m_theme, starter());
        QTRY_VERIFY(desk.part<ChipRow>()->isVisible());
        desk.type("3d emoji of roter Apfel, zyzzyva ");
        QVERIFY(desk.part<HintLine>()->text().isEmpty()); // not while typing
        QTRY_VERIFY(desk.part<HintLine>()->text().contains("roter Apfel"));
        QCOMPARE(desk.link()->text(), QString("Use \u201cred apple\u201d"));
        desk.link()->click();
        QCOMPARE(desk.text(), "3d emoji of red apple, zyzzyva ");
        QVERIFY(desk.part<HintLine>()->text().contains("zyzzyva"));
        QSignalSpy wanted(desk.compose, &ComposePanel::modelsFolderWanted);
        QCOMPARE(desk.link()->text(), "Open the models folder");
        desk.link()->click();
        QCOMPARE(wanted.size(), 1);
        desk.undo.undo();
        QCOMPARE(desk.text(), "3d emoji of roter Apfel, zyzzyva ");
        desk.prompt()->selectAll();
        desk.type("3d emoji of dog ");
        QTRY_VERIFY(desk.part<HintLine>()->text().isEmpty());
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::PromptFieldTest)
#include "prompt_field_test.moc"
