#include "app/windows/background_run.h"

#include "app/models/job_controller.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"

#include <QMenu>
#include <QSystemTrayIcon>

namespace kinora::app {

constexpr int kSettledMilliseconds = 1000;

BackgroundRun::BackgroundRun(const Theme& theme, JobController& jobs, QObject* parent)
    : QObject(parent), m_theme(theme), m_jobs(jobs) {
    m_settled.setSingleShot(true);
    m_settled.setInterval(kSettledMilliseconds);
    connect(&m_settled, &QTimer::timeout, this, [this] {
        if (m_runs && !m_jobs.works()) emit workDone();
    });
    connect(&jobs, &JobController::listChanged, this, &BackgroundRun::refresh);
    connect(&jobs, &JobController::jobChanged, this, &BackgroundRun::refresh);
    connect(&jobs, &JobController::placeChanged, this, &BackgroundRun::refresh);
}

BackgroundRun::~BackgroundRun() = default;

bool BackgroundRun::hasTray() {
    return QSystemTrayIcon::isSystemTrayAvailable();
}

void BackgroundRun::begin() {
    m_runs = true;
    if (!m_menu) makeIcon();
    m_icon->setVisible(hasTray());
    refresh();
}

void BackgroundRun::end() {
    m_runs = false;
    if (m_icon) m_icon->hide();
}

void BackgroundRun::makeIcon() {
    m_menu = std::make_unique<QMenu>();
    m_menu->addAction("&Open Kinora", this, &BackgroundRun::windowWanted);
    m_menu->addSeparator();
    m_menu->addAction("&Stop now and quit", this, &BackgroundRun::stopWanted);
    m_icon = std::make_unique<QSystemTrayIcon>(m_theme.icon("kinora"));
    m_icon->setContextMenu(m_menu.get());
    connect(m_icon.get(), &QSystemTrayIcon::activated, this,
            [this](QSystemTrayIcon::ActivationReason reason) {
                if (reason != QSystemTrayIcon::Context) emit windowWanted();
            });
}

void BackgroundRun::refresh() {
    if (!m_runs) return;
    const Job* active = m_jobs.active();
    QString tip = "Kinora";
    if (active != nullptr)
        tip = QString("Kinora: %1 %").arg(static_cast<int>(active->fraction() * 100));
    if (m_jobs.waitingCount() > 0) tip += QString(", %1 waiting").arg(m_jobs.waitingCount());
    const QString left =
        m_jobs.secondsLeft() > 0 ? timeLeftPhrase(m_jobs.secondsLeft()) : QString();
    if (!left.isEmpty()) tip += ", " + left;
    m_icon->setToolTip(tip);
    if (m_jobs.works())
        m_settled.stop();
    else if (!m_settled.isActive())
        m_settled.start();
}

} // namespace kinora::app
