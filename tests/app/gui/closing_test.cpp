// Closing the window while pictures are being made, the menu Queue, and a second window on the same
// queue: the whole window with a scripted engine.

#include "app/models/job_controller.h"
#include "app/models/request_document.h"
#include "app/panels/queue_panel.h"
#include "app/panels/viewer_panel.h"
#include "app/widgets/notice_bar.h"
#include "app/widgets/theme.h"
#include "app/windows/background_run.h"
#include "app/windows/close_question.h"
#include "app/windows/main_window.h"
#include "pipelines/request/parameters.h"
#include "tests/app/gui/scripted_engine.h"

#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QDir>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>

#include <csignal>
#include <memory>
#include <sys/resource.h>

namespace kinora::app {
namespace {

using testing::Script;
using testing::ScriptedEngine;

Script holding() {
    Script script;
    script.size = 64;
    script.steps = 8;
    script.holdAtStep = 3;
    return script;
}

struct Place {
    QTemporaryDir folder;
    core::ModelLibrary library{{{}, folder.path().toStdString()}};

    ProgramContext context(core::Engine& engine) const {
        const std::filesystem::path base = folder.path().toStdString();
        return {engine,  library,       "0.1.0",           "", "kinora 0.1.0",
                {"cpu"}, base / "data", base / "Pictures", 2};
    }
    QStringList files() const {
        return QDir(folder.path() + "/Pictures").entryList(QDir::Files, QDir::Name);
    }
};

// A window with an engine of its own, as a program has.
struct Studio {
    Studio(const Place& place, Theme& theme, Script script = holding())
        : engine(std::move(script)), window(theme, place.context(engine)) {
        window.resize(1200, 760);
        window.show();
    }
    JobController& jobs() { return window.jobs(); }
    QPushButton* button(const QString& text) {
        for (QPushButton* candidate : window.findChildren<QPushButton*>())
            if (candidate->text() == text && candidate->isVisible()) return candidate;
        return nullptr;
    }
    QAction* action(const QString& text) {
        for (QAction* candidate : window.findChildren<QAction*>())
            if (candidate->text().remove('&') == text) return candidate;
        return nullptr;
    }
    void begin(int jobs = 1) {
        for (int i = 0; i < jobs; ++i) window.generate();
        QTRY_VERIFY(window.jobs().active() != nullptr && window.jobs().active()->step == 3);
    }
    // Closes and answers the question; false: nothing was asked.
    bool closeAnd(const QString& text, bool remember = false) {
        bool asked = false;
        QTimer answer;
        connectAnswer(answer, text, remember, asked);
        answer.start(20);
        window.close();
        return asked;
    }

    ScriptedEngine engine;
    MainWindow window;

  private:
    static void connectAnswer(QTimer& timer, const QString& text, bool remember, bool& asked) {
        QObject::connect(&timer, &QTimer::timeout, [=, &timer, &asked] {
            auto* question = qobject_cast<CloseQuestion*>(QApplication::activeModalWidget());
            if (question == nullptr) return;
            timer.stop();
            asked = true;
            question->findChild<QCheckBox*>()->setChecked(remember);
            for (QPushButton* button : question->findChildren<QPushButton*>())
                if (button->text().remove('&') == text) return button->click();
        });
    }
};

} // namespace

class ClosingTest : public QObject {
    Q_OBJECT
    Theme m_theme;

  private slots:
    void initTestCase() {
        m_theme.applyTo(*qApp);
        QApplication::setQuitOnLastWindowClosed(false);
    }

    void withoutWorkNothingIsAsked() {
        const Place place;
        Studio studio(place, m_theme);
        QSignalSpy left(&studio.window, &MainWindow::left);
        QVERIFY(!studio.closeAnd("Stop now"));
        QVERIFY(!studio.window.isVisible());
        QTRY_VERIFY(left.count() > 0);
    }

    void keptOpenNothingStops() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin();
        QVERIFY(studio.closeAnd("Keep the window open", true));
        QVERIFY(studio.window.isVisible());
        QVERIFY(studio.jobs().active() != nullptr);
        QVERIFY(studio.closeAnd("Keep the window open")); // nothing was remembered
        studio.engine.release();
        QTRY_COMPARE(place.files().size(), 1);
    }

    void stoppedNowItGoesOnAtTheNextStart() {
        const Place place;
        {
            Studio studio(place, m_theme);
            studio.begin(2);
            QSignalSpy left(&studio.window, &MainWindow::left);
            QVERIFY(studio.closeAnd("Stop now"));
            QVERIFY(!studio.window.isVisible());
            QTRY_VERIFY(left.count() > 0);
            QVERIFY(place.files().isEmpty());
        }
        Studio studio(place, m_theme);
        NoticeBar* notice = studio.window.viewer().notice();
        QTRY_COMPARE(notice->text(), "2 jobs go on from where Kinora stopped.");
        studio.engine.release();
        QTRY_COMPARE(place.files().size(), 2);
    }

    void thisOneFinishedTheRestWaits() {
        const Place place;
        Studio studio(place, m_theme);
        studio.window.document().setText(*pipelines::findImageParameter("count"), "3");
        studio.begin(2);
        QSignalSpy left(&studio.window, &MainWindow::left);
        QVERIFY(studio.closeAnd("Finish this one"));
        QVERIFY(!studio.window.isVisible());
        QTest::qWait(200); // its owner is told
        QCOMPARE(left.count(), 0);
        studio.engine.release();
        QTRY_VERIFY(left.count() > 0);
        QCOMPARE(place.files().size(), 1);
        auto queue = core::QueueStore::open(place.context(studio.engine).dataFolder);
        QCOMPARE(queue->status()->waiting, int64_t{2});
    }

    // The queue's own file stays below the limit, the picture does not.
    void aPictureThatFindsNoRoomIsNotWaitedForWithoutAWindow() {
        const Place place;
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit before{};
        getrlimit(RLIMIT_FSIZE, &before);
        Script script = holding();
        script.picture = [](int64_t seed, int width, int height) {
            return testing::discPicture(seed, width, height, 1);
        };
        bool ended = false;
        {
            Studio studio(place, m_theme, script);
            for (const char* name : {"width", "height"})
                studio.window.document().setText(*pipelines::findImageParameter(name), "1024");
            studio.begin();
            QSignalSpy left(&studio.window, &MainWindow::left);
            QVERIFY(studio.closeAnd("Finish this one"));
            const rlimit small{2u << 20, before.rlim_max};
            setrlimit(RLIMIT_FSIZE, &small);
            studio.engine.release();
            ended = QTest::qWaitFor([&] { return left.count() > 0; }, 20000);
        }
        setrlimit(RLIMIT_FSIZE, &before);
        QVERIFY(ended);
        QVERIFY(place.files().isEmpty());
        Studio studio(place, m_theme);
        studio.engine.release();
        QTRY_COMPARE(place.files().size(), 1); // it goes on at the next start
    }

    void inTheBackgroundAllIsFinishedAndThenItEnds() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin(2);
        QSignalSpy left(&studio.window, &MainWindow::left);
        QVERIFY(studio.closeAnd("Go on in the background"));
        QVERIFY(!studio.window.isVisible());
        QVERIFY(studio.window.background().runs());
        studio.engine.release();
        QTRY_COMPARE(place.files().size(), 2);
        QTRY_VERIFY(left.count() > 0);
    }

    void theTrayBringsTheWindowBack() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin();
        QVERIFY(studio.closeAnd("Go on in the background"));
        studio.window.background().menu()->actions().front()->trigger();
        QVERIFY(studio.window.isVisible());
        QVERIFY(!studio.window.background().runs());
        QSignalSpy left(&studio.window, &MainWindow::left);
        studio.engine.release();
        QTRY_COMPARE(place.files().size(), 1);
        QTest::qWait(1500);
        QCOMPARE(left.count(), 0); // a window that is open does not end with the work
    }

    void stoppedFromTheTrayItEnds() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin();
        QSignalSpy left(&studio.window, &MainWindow::left);
        QVERIFY(studio.closeAnd("Go on in the background"));
        studio.window.background().menu()->actions().back()->trigger();
        QTRY_VERIFY(left.count() > 0);
        QVERIFY(place.files().isEmpty());
    }

    void theQuestionEndsWithTheWork() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin();
        bool asked = false;
        QTimer::singleShot(100, &studio.window, [&] {
            asked = QApplication::activeModalWidget() != nullptr;
            studio.engine.release();
        });
        QVERIFY(studio.window.close()); // comes back when the job is done
        QVERIFY(asked);
        QCOMPARE(place.files().size(), 1);
    }

    void aRememberedAnswerIsNotAskedForUntilTheMenuSaysSo() {
        const Place place;
        {
            Studio studio(place, m_theme);
            studio.begin();
            QVERIFY(studio.closeAnd("Stop now", true));
            QVERIFY(studio.action("Stop now")->isChecked());
        }
        {
            Studio studio(place, m_theme);
            QTRY_VERIFY(studio.jobs().active() != nullptr);
            QVERIFY(!studio.closeAnd("Stop now"));
            QVERIFY(!studio.window.isVisible());
        }
        Studio studio(place, m_theme);
        QTRY_VERIFY(studio.jobs().active() != nullptr);
        studio.action("Ask")->trigger();
        QVERIFY(studio.closeAnd("Keep the window open"));
    }

    void theEndOfTheSessionAsksNothing() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin();
        QSignalSpy left(&studio.window, &MainWindow::left);
        studio.window.endWithSession();
        QVERIFY(!studio.window.isVisible());
        QTRY_VERIFY(left.count() > 0);
    }

    void withoutATrayTheQuestionSaysSo() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin();
        const auto textOf = [&](bool hasTray) {
            CloseQuestion question(m_theme, studio.jobs(), hasTray, &studio.window);
            QStringList said;
            for (QLabel* label : question.findChildren<QLabel*>()) said << label->text();
            return said.join("\n");
        };
        QVERIFY(textOf(true).contains("icon in the system tray"));
        QVERIFY(textOf(false).contains("There is no system tray here"));
        QVERIFY2(textOf(false).contains("1 job is running."), qPrintable(textOf(false)));
    }

    void aSecondWindowSaysWhoWorksAndClosesUnasked() {
        const Place place;
        Studio owner(place, m_theme);
        owner.begin();
        Studio second(place, m_theme);
        const QString owned = QString("Another Kinora (process %1) works through the queue")
                                  .arg(QCoreApplication::applicationPid());
        const auto says = [](Studio& studio, const QString& text) {
            for (QLabel* label : studio.window.findChildren<QLabel*>())
                if (label->text() == text && label->isVisible()) return true;
            return false;
        };
        QTRY_VERIFY(says(second, owned));
        QVERIFY(!says(owner, owned));
        QTRY_VERIFY(second.jobs().active() != nullptr);
        QVERIFY(!second.closeAnd("Stop now"));
        QVERIFY(!second.window.isVisible());
        QVERIFY(owner.jobs().active() != nullptr);
        owner.engine.release();
        QTRY_COMPARE(place.files().size(), 1);
    }

    void theMenuPausesAndTheRowsHaveTheirOwn() {
        const Place place;
        Studio studio(place, m_theme);
        studio.begin(2);
        studio.action("Pause")->trigger();
        QTRY_VERIFY(studio.jobs().active() == nullptr);
        QVERIFY(studio.button("Go on") != nullptr);
        const auto textsFor = [&](qint64 number) {
            QMenu menu;
            studio.window.queue().fillMenu(menu, number);
            QStringList texts;
            for (QAction* action : menu.actions()) texts << action->text().remove('&');
            return texts;
        };
        const JobNumber first = studio.jobs().jobs().front().number;
        QVERIFY(textsFor(first).contains("Run next"));
        QVERIFY(textsFor(first).contains("Cancel this job"));
        QMenu menu;
        studio.window.queue().fillMenu(menu, first);
        for (QAction* action : menu.actions())
            if (action->text().remove('&') == "Pause this job") action->trigger();
        QTRY_COMPARE(studio.jobs().find(first)->state, JobState::Paused);
        QVERIFY(textsFor(first).contains("Go on with this job"));
        studio.engine.release();
        studio.button("Go on")->click();
        QTRY_COMPARE(place.files().size(), 1);
    }

    void whatPowerPausesIsKept() {
        const Place place;
        {
            Studio studio(place, m_theme);
            QVERIFY(!studio.action("Pause on battery")->isChecked());
            studio.action("Pause on battery")->trigger();
            studio.action("Pause when hot")->trigger();
        }
        Studio studio(place, m_theme);
        QVERIFY(studio.action("Pause on battery")->isChecked());
        QVERIFY(studio.action("Pause when hot")->isChecked());
        const WindowSettings settings(place.context(studio.engine).dataFolder);
        QVERIFY(settings.pauseOnBattery() && settings.pauseWhenHot());
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::ClosingTest)
#include "closing_test.moc"
