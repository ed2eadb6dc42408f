// The menu Queue: what the queue does as a whole, and what it may do by itself.

#include "app/models/job_controller.h"
#include "app/panels/queue_panel.h"
#include "app/widgets/theme.h"
#include "app/windows/main_window.h"

#include <QActionGroup>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QPushButton>

namespace kinora::app {

void MainWindow::makeQueueMenu() {
    QMenu* menu = menuBar()->addMenu("&Queue");
    m_pauseQueue = menu->addAction("&Pause", this, &MainWindow::pauseOrGoOn);
    m_pauseQueue->setShortcut(QKeySequence(Qt::Key_Pause));
    menu->addAction(m_stop);
    menu->addSeparator();
    menu->addAction("&Cancel all jobs\u2026", this, &MainWindow::cancelAllJobs);
    menu->addSeparator();
    const auto addSwitch = [&](const QString& text, bool on, void (WindowSettings::*set)(bool)) {
        QAction* action = menu->addAction(text);
        action->setCheckable(true);
        action->setChecked(on);
        connect(action, &QAction::toggled, this, [this, set](bool checked) {
            (m_settings.*set)(checked);
            m_jobs->setPower(powerOptions());
        });
    };
    addSwitch("Pause on &battery", m_settings.pauseOnBattery(), &WindowSettings::setPauseOnBattery);
    addSwitch("Pause when &hot", m_settings.pauseWhenHot(), &WindowSettings::setPauseWhenHot);
    menu->addSeparator();
    makeClosingMenu(menu);
}

void MainWindow::makeClosingMenu(QMenu* queue) {
    QMenu* menu = queue->addMenu("When the &window closes");
    m_closingChoices = new QActionGroup(menu);
    const std::pair<const char*, WhenClosed> choices[] = {
        {"&Ask", WhenClosed::Ask},
        {"&Go on in the background", WhenClosed::GoOn},
        {"&Finish this one", WhenClosed::FinishThis},
        {"&Stop now", WhenClosed::StopNow}};
    for (const auto& [text, choice] : choices) {
        QAction* action = menu->addAction(text);
        action->setCheckable(true);
        action->setData(static_cast<int>(choice));
        m_closingChoices->addAction(action);
        connect(action, &QAction::triggered, this,
                [this, choice = choice] { m_settings.setWhenClosed(choice); });
    }
    refreshClosingMenu();
}

void MainWindow::refreshClosingMenu() {
    for (QAction* action : m_closingChoices->actions())
        action->setChecked(action->data().toInt() == static_cast<int>(m_settings.whenClosed()));
}

core::PowerWatch::Options MainWindow::powerOptions() const {
    core::PowerWatch::Options power;
    power.pauseOnBattery = m_settings.pauseOnBattery();
    power.pauseWhenHot = m_settings.pauseWhenHot();
    return power;
}

void MainWindow::pauseOrGoOn() {
    if (m_jobs->place().standing == QueueStanding::StandsStill)
        m_jobs->tryAgain();
    else if (m_jobs->isPaused())
        m_jobs->resumeQueue();
    else
        m_jobs->pauseQueue();
}

// It cannot be undone: then, and only then, a question is right.
void MainWindow::cancelAllJobs() {
    QMessageBox question(QMessageBox::NoIcon, "Kinora", "Cancel all jobs of the queue?",
                         QMessageBox::NoButton, this);
    question.setIconPixmap(m_theme.icon("warning", "warning").pixmap(2 * m_theme.measure("icon")));
    question.setInformativeText("Those of other windows and of the command line too. Pictures that "
                                "are finished stay.");
    QPushButton* cancel = question.addButton("Cancel all jobs", QMessageBox::DestructiveRole);
    QPushButton* keep = question.addButton("Keep them", QMessageBox::RejectRole);
    question.setDefaultButton(keep);
    question.setEscapeButton(keep);
    question.exec();
    if (question.clickedButton() == cancel) m_jobs->cancelAll();
}

// Who works through the queue, where it is not this window.
QString MainWindow::runByText() const {
    const QueuePlace& place = m_jobs->place();
    if (place.standing != QueueStanding::Watches) return {};
    const int process = m_jobs->ownerProcess();
    if (process == 0) return "Another Kinora works through the queue";
    return QString("Another Kinora (process %1) works through the queue").arg(process);
}

} // namespace kinora::app
