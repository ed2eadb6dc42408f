// What becomes of the work when the window is closed.

#include "app/models/job_controller.h"
#include "app/models/request_document.h"
#include "app/windows/background_run.h"
#include "app/windows/close_question.h"
#include "app/windows/main_window.h"

#include <QAction>
#include <QCloseEvent>

namespace kinora::app {

void MainWindow::connectClosing() {
    connect(m_background, &BackgroundRun::windowWanted, this, &MainWindow::comeBack);
    connect(m_background, &BackgroundRun::stopWanted, this,
            [this] { m_jobs->stop(core::DispatcherStop::Now); });
    connect(m_background, &BackgroundRun::workDone, this,
            [this] { m_jobs->stop(core::DispatcherStop::AfterRunning); });
    // A full disk may stay so: nobody sees that a picture waits for it.
    connect(m_jobs, &JobController::listChanged, this, [this] {
        if (m_finishes && !m_jobs->trouble().isEmpty()) m_jobs->stop(core::DispatcherStop::Now);
    });
    connect(m_jobs, &JobController::placeChanged, this, [this] {
        if (m_jobs->place().standing == QueueStanding::Ended) emit left();
    });
}

void MainWindow::closeEvent(QCloseEvent* event) {
    std::optional<WhenClosed> how = howToClose();
    if (!how) {
        event->ignore();
        return;
    }
    m_fullScreen->setChecked(false);
    m_settings.setPlace(saveGeometry(), saveState());
    m_settings.setRequest(m_document->request());
    event->accept();
    m_finishes = *how == WhenClosed::FinishThis;
    if (*how == WhenClosed::GoOn && m_jobs->works())
        m_background->begin();
    else
        m_jobs->stop(m_finishes ? core::DispatcherStop::AfterPictures : core::DispatcherStop::Now);
}

std::optional<WhenClosed> MainWindow::howToClose() {
    if (m_sessionEnds || !m_jobs->works()) return WhenClosed::StopNow;
    if (const WhenClosed kept = m_settings.whenClosed(); kept != WhenClosed::Ask) return kept;
    const auto answer = CloseQuestion::ask(m_theme, *m_jobs, this);
    if (!answer) return std::nullopt;
    if (answer->remember) {
        m_settings.setWhenClosed(answer->choice);
        refreshClosingMenu();
    }
    return answer->choice;
}

void MainWindow::endWithSession() {
    m_sessionEnds = true;
    close();
}

void MainWindow::comeBack() {
    m_background->end();
    show();
    raise();
    activateWindow();
}

} // namespace kinora::app
