// Whether the window can be read and reached: sizes, the order of the keyboard, names.

#include "app/models/gallery_model.h"
#include "app/models/job_controller.h"
#include "app/panels/compose_panel.h"
#include "app/panels/gallery_panel.h"
#include "app/panels/parameter_field.h"
#include "app/panels/queue_panel.h"
#include "app/panels/viewer_panel.h"
#include "app/widgets/fold_section.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/theme.h"
#include "app/windows/help_dialogs.h"
#include "app/windows/main_window.h"
#include "pipelines/request/parameters.h"
#include "tests/app/gui/scripted_engine.h"
#include "tests/app/gui/studio.h"

#include <QAction>
#include <QApplication>
#include <QComboBox>
#include <QLabel>
#include <QListView>
#include <QMenuBar>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

namespace kinora::app {

using testing::Script;
using testing::Studio;

class WindowLayoutTest : public QObject {
    Q_OBJECT
    Theme m_theme;

  private slots:
    void initTestCase() { m_theme.applyTo(*qApp); }

    void samplersAndSchedulesAreNamedAsPeopleWriteThem() {
        QCOMPARE(choiceTitle("dpmpp_2m_sde"), QString("DPM++ 2M SDE"));
        QCOMPARE(choiceTitle("euler_a"), QString("Euler ancestral"));
        QCOMPARE(choiceTitle("exponential"), QString("Exponential"));
        QCOMPARE(choiceTitle("normal"), QString("Normal"));
        QCOMPARE(choiceTitle("bf16"), QString("bf16"));
        for (const char* name : {"sampler", "schedule"})
            for (std::string_view choice : pipelines::findImageParameter(name)->choices)
                QVERIFY2(choiceTitle(choice).toStdString() != choice, std::string(choice).c_str());
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
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::WindowLayoutTest)
#include "window_layout_test.moc"
