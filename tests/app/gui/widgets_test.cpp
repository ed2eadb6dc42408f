// The widgets alone, without a display.

#include "app/widgets/calm_inputs.h"
#include "app/widgets/elided_label.h"
#include "app/widgets/fold_section.h"
#include "app/widgets/growing_text_edit.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/number_field.h"
#include "app/widgets/parameter_label.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QApplication>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>
#include <QVBoxLayout>
#include <QWheelEvent>

#include <cmath>

namespace kinora::app {
namespace {

// WCAG 2.1, relative luminance and contrast ratio.
double luminance(const QColor& color) {
    const auto linear = [](double c) {
        return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) +
           0.0722 * linear(color.blueF());
}

double contrast(const QColor& a, const QColor& b) {
    const double high = std::max(luminance(a), luminance(b));
    const double low = std::min(luminance(a), luminance(b));
    return (high + 0.05) / (low + 0.05);
}

void wheel(QWidget& widget, const QPointF& at, int delta) {
    QWheelEvent event(at, widget.mapToGlobal(at), {}, {0, delta}, Qt::NoButton, Qt::NoModifier,
                      Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(&widget, &event);
}

void dragSideways(QWidget* widget, int pixels, Qt::KeyboardModifiers modifiers) {
    const QPointF start(10, 10);
    const auto send = [&](QEvent::Type type, const QPointF& at, Qt::MouseButtons buttons) {
        QMouseEvent event(type, at, widget->mapToGlobal(at), Qt::LeftButton, buttons, modifiers);
        QCoreApplication::sendEvent(widget, &event);
    };
    send(QEvent::MouseButtonPress, start, Qt::LeftButton);
    send(QEvent::MouseMove, start + QPointF(pixels, 0), Qt::LeftButton);
    send(QEvent::MouseButtonRelease, start + QPointF(pixels, 0), Qt::NoButton);
}

} // namespace

class WidgetsTest : public QObject {
    Q_OBJECT
    Theme m_theme;

  private slots:
    void initTestCase() { m_theme.applyTo(*qApp); }

    void textStandsOutFromItsGround_data() {
        QTest::addColumn<bool>("dark");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("ground");
        for (const bool dark : {true, false})
            for (const char* text : {"text", "secondText", "error", "warning", "good"})
                for (const char* ground : {"window", "panel", "field"})
                    QTest::addRow("%s on %s, %s", text, ground, dark ? "dark" : "light")
                        << dark << QString(text) << QString(ground);
        for (const bool dark : {true, false})
            for (const char* ground : {"accent", "accentHover", "accentPressed"})
                QTest::addRow("primary on %s, %d", ground, dark) << dark << "onAccent" << ground;
    }
    void textStandsOutFromItsGround() {
        QFETCH(bool, dark);
        QFETCH(QString, text);
        QFETCH(QString, ground);
        m_theme.setChoice(dark ? ThemeChoice::Dark : ThemeChoice::Light);
        QVERIFY2(contrast(m_theme.color(text), m_theme.color(ground)) >= 4.5,
                 qPrintable(QString::number(contrast(m_theme.color(text), m_theme.color(ground)))));
    }

    void themeFollowsTheSystemUntilChosen() {
        m_theme.setChoice(ThemeChoice::System);
        m_theme.setSystemDark(false);
        QVERIFY(!m_theme.dark());
        QSignalSpy changed(&m_theme, &Theme::changed);
        m_theme.setSystemDark(true);
        QVERIFY(m_theme.dark());
        QCOMPARE(changed.count(), 1);
        m_theme.setChoice(ThemeChoice::Light);
        m_theme.setSystemDark(false);
        QVERIFY(!m_theme.dark());
    }

    void styleSheetHasNoOpenPlaceholder() { QVERIFY(!qApp->styleSheet().contains('@')); }

    void iconTakesTheThemesColour() {
        m_theme.setChoice(ThemeChoice::Dark);
        const auto strongest = [&] {
            const QImage image = m_theme.icon("close").pixmap(64).toImage();
            for (int y = 0; y < image.height(); ++y)
                for (int x = 0; x < image.width(); ++x)
                    if (image.pixelColor(x, y).alpha() == 255) return image.pixelColor(x, y);
            return QColor();
        };
        QCOMPARE(strongest(), m_theme.color("text"));
        m_theme.setChoice(ThemeChoice::Light);
        QCOMPARE(strongest(), m_theme.color("text"));
    }

    void phrases_data() {
        QTest::addColumn<QString>("said");
        QTest::addColumn<QString>("expected");
        QTest::newRow("gigabytes") << sizePhrase(1'400'000'000) << "1.4 GB";
        QTest::newRow("megabytes") << sizePhrase(32'000'000) << "32 MB";
        QTest::newRow("short") << secondsPhrase(0.08) << "0.08 s";
        QTest::newRow("seconds") << secondsPhrase(1.8) << "1.8 s";
        QTest::newRow("hours") << secondsPhrase(7800) << "2 h 10 min";
        QTest::newRow("left") << timeLeftPhrase(125) << "about 2 min left";
        QTest::newRow("left, some seconds") << timeLeftPhrase(22) << "about 20 s left";
        QTest::newRow("left, nearly") << timeLeftPhrase(0.4) << "almost done";
        QTest::newRow("left, unknown") << timeLeftPhrase(NAN) << QString();
        QTest::newRow("one") << countPhrase(1, "picture", "pictures") << "1 picture";
        QTest::newRow("title") << titleFromPrompt("  a\n b ") << "a b";
        QTest::newRow("long title") << titleFromPrompt(QString(100, 'x'), 5) << "xxxx\u2026";
    }
    void phrases() {
        QFETCH(QString, said);
        QFETCH(QString, expected);
        QCOMPARE(said, expected);
    }

    void numberIsDraggedAndShiftMakesItFine() {
        NumberField field;
        field.setDecimals(2);
        field.setRange(0, 100);
        field.setDragStep(0.5);
        field.setValue(5);
        auto* edit = field.findChild<QLineEdit*>();
        dragSideways(edit, 60, Qt::NoModifier); // ten steps of 6 px
        QCOMPARE(field.value(), 10.0);
        dragSideways(edit, 60, Qt::ShiftModifier);
        QCOMPARE(field.value(), 10.5);
        dragSideways(edit, -6000, Qt::NoModifier);
        QCOMPARE(field.value(), 0.0);
    }

    void numberKeepsToMultiplesAndItsRange() {
        NumberField field;
        field.setDecimals(0);
        field.setRange(8, 8192);
        field.setMultiple(8);
        QSignalSpy edited(&field, &NumberField::edited);
        field.setValue(100);
        QCOMPARE(field.value(), 104.0);
        QCOMPARE(edited.count(), 1);
        QCOMPARE(edited.first().first().toDouble(), 104.0);
        auto* edit = field.findChild<QLineEdit*>();
        edit->setText("99999");
        QTest::keyClick(&field, Qt::Key_Return);
        QCOMPARE(field.value(), 8192.0);
    }

    void numberIsShownWithoutIdleZeros() {
        NumberField field;
        field.setDecimals(2);
        QCOMPARE(field.textFromValue(5), "5");
        QCOMPARE(field.textFromValue(5.5), "5.5");
        QCOMPARE(field.textFromValue(0.05), "0.05");
    }

    void wheelPassesOverWhatHasNoFocus() {
        ChoiceBox box(m_theme);
        box.addItems({"one", "two"});
        wheel(box, {5, 5}, -120);
        QCOMPARE(box.currentIndex(), 0);
        MarkedSlider slider(m_theme);
        slider.setRange(0, 10);
        slider.setMark(4);
        wheel(slider, {5, 5}, 120);
        QCOMPARE(slider.value(), 0);
    }

    void clickOnTheGrooveGoesThere() {
        MarkedSlider slider(m_theme);
        slider.setRange(0, 100);
        slider.resize(214, 20);
        QTest::mousePress(&slider, Qt::LeftButton, {}, QPoint(107, 10));
        QVERIFY(std::abs(slider.value() - 50) <= 1);
    }

    void textGrowsBetweenItsLimits() {
        GrowingTextEdit edit(2, 4);
        edit.resize(300, 40);
        const int two = edit.height();
        QCOMPARE(two, edit.heightFor(2));
        edit.setPlainText("1\n2\n3");
        QCOMPARE(edit.height(), edit.heightFor(3));
        edit.setPlainText("1\n2\n3\n4\n5\n6\n7");
        QCOMPARE(edit.height(), edit.heightFor(4));
        edit.setPlainText({});
        QCOMPARE(edit.height(), two);
    }

    void replacedTextKeepsTheCursorAtTheChange() {
        GrowingTextEdit edit(2, 4);
        edit.setPlainText("a red apple");
        edit.replaceText("a green apple");
        QCOMPARE(edit.textCursor().position(), 7);
    }

    void doubleClickOnTheLabelResets() {
        ParameterLabel label("Steps");
        QSignalSpy wanted(&label, &ParameterLabel::resetWanted);
        QTest::mouseDClick(&label, Qt::LeftButton);
        QCOMPARE(wanted.count(), 1);
        label.setHelp("How many", "20");
        QVERIFY(label.toolTip().contains("Default: 20"));
    }

    void wheelZoomsAtThePointer() {
        ImageCanvas canvas(m_theme);
        canvas.resize(400, 300);
        canvas.setPicture(QImage(200, 100, QImage::Format_RGB32), QSize(200, 100));
        QVERIFY(canvas.fits());
        const QPointF at(250, 170);
        const auto under = [&] { return (at - canvas.pictureRect().topLeft()) / canvas.zoom(); };
        const QPointF before = under();
        wheel(canvas, at, 240);
        QVERIFY(!canvas.fits());
        QVERIFY((under() - before).manhattanLength() < 1e-6);
        canvas.zoomToActual();
        QCOMPARE(canvas.zoom(), 1.0);
        canvas.zoomToFit();
        QVERIFY(canvas.pictureRect().width() <= 400 && canvas.pictureRect().height() <= 300);
    }

    void previewCoversTheAreaOfThePicture() {
        ImageCanvas canvas(m_theme);
        canvas.resize(400, 300);
        canvas.setPicture(QImage(16, 16, QImage::Format_RGB32), QSize(128, 128));
        wheel(canvas, {200, 150}, 120);
        const QRectF preview = canvas.pictureRect();
        canvas.setPicture(QImage(128, 128, QImage::Format_RGB32), QSize(128, 128));
        QCOMPARE(canvas.pictureRect(), preview); // nothing jumps when it is done
    }

    void checkerboardShowsThroughTransparency() {
        m_theme.setChoice(ThemeChoice::Dark);
        ImageCanvas canvas(m_theme);
        canvas.resize(100, 100);
        QImage clear(64, 64, QImage::Format_RGBA8888);
        clear.fill(Qt::transparent);
        canvas.setPicture(clear, clear.size());
        canvas.zoomToActual();
        const QImage shown = canvas.grab().toImage();
        const QPoint corner = canvas.pictureRect().topLeft().toPoint();
        QCOMPARE(shown.pixelColor(corner + QPoint(2, 2)), m_theme.color("checkerB"));
        QCOMPARE(shown.pixelColor(corner + QPoint(10, 2)), m_theme.color("checkerA"));
        QCOMPARE(shown.pixelColor(2, 2), m_theme.color("canvas"));
    }

    void spacePans() {
        ImageCanvas canvas(m_theme);
        canvas.resize(100, 100);
        canvas.setPicture(QImage(400, 400, QImage::Format_RGB32), QSize(400, 400));
        canvas.zoomToActual();
        const QPointF before = canvas.pictureRect().topLeft();
        QTest::keyPress(&canvas, Qt::Key_Space);
        dragSideways(&canvas, 30, Qt::NoModifier);
        QTest::keyRelease(&canvas, Qt::Key_Space);
        QCOMPARE(canvas.pictureRect().topLeft(), before + QPointF(30, 0));
    }

    void foldSectionHidesItsContent() {
        FoldSection fold(m_theme, "More");
        fold.resize(300, 80);
        auto* inside = new QLabel("x");
        fold.content()->addWidget(inside);
        fold.show();
        QVERIFY(!inside->isVisible());
        fold.header()->click();
        QVERIFY(inside->isVisible());
        fold.setOpen(false);
        fold.setHint("2 changed");
        QCOMPARE(fold.header()->text(), "More \u00b7 2 changed");
    }

    void noticeRunsItsActionOnce() {
        NoticeBar notice(m_theme);
        int run = 0;
        notice.showNotice(NoticeTone::Error, "It failed.", "Mend it", [&] { ++run; });
        QCOMPARE(notice.text(), "It failed.");
        notice.findChild<QPushButton*>()->click();
        QCOMPARE(run, 1);
        QVERIFY(notice.text().isEmpty());
    }

    void longTextIsElidedNotWidened() {
        ElidedLabel label(QString(100000, 'm'));
        QVERIFY(label.minimumSizeHint().width() < 50);
        label.resize(100, 20);
        label.grab(); // paints without laying out the whole text
        QVERIFY(label.toolTip().size() <= 600);
    }

    void iconButtonSaysWhatItDoes() {
        const std::unique_ptr<QToolButton> button(
            makeIconButton(m_theme, "dice", "Draw a new seed", "Ctrl+R"));
        QCOMPARE(button->accessibleName(), "Draw a new seed");
        QCOMPARE(button->toolTip(), "Draw a new seed (Ctrl+R)");
        button->show();
        QCOMPARE(button->size(), QSize(28, 28));
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::WidgetsTest)
#include "widgets_test.moc"
