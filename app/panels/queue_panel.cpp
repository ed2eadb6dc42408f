#include "app/panels/queue_panel.h"

#include "app/models/job_controller.h"
#include "app/panels/job_row.h"
#include "app/widgets/elided_label.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>
#include <set>
#include <utility>

namespace kinora::app {

QueuePanel::QueuePanel(const Theme& theme, JobController& jobs, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_jobs(jobs), m_summary(new ElidedLabel),
      m_timeLeft(makeLabel({})), m_stop(new QPushButton("Stop after this one")),
      m_pause(new QPushButton("Pause")), m_rows(new QWidget), m_rowsLayout(new QVBoxLayout(m_rows)),
      m_scroll(new QScrollArea), m_hidden(makeLabel({}, "second", "small")) {
    setProperty("surface", "panel");
    setAttribute(Qt::WA_StyledBackground);
    const int gap = theme.measure("gap");
    const int margin = theme.measure("margin");
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(margin, gap, margin, gap);
    layout->setSpacing(gap);
    makeHeader(layout);
    m_rows->setProperty("surface", "panel");
    m_rows->setAttribute(Qt::WA_StyledBackground);
    m_rowsLayout->setContentsMargins(0, 0, 0, 0);
    m_rowsLayout->setSpacing(gap);
    m_rowsLayout->addWidget(m_hidden);
    m_rowsLayout->addStretch(1);
    m_hidden->hide();
    m_scroll->setWidget(m_rows);
    m_scroll->setWidgetResizable(true);
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_scroll->setFocusPolicy(Qt::NoFocus);
    layout->addWidget(m_scroll, 1);
    m_scroll->setMinimumHeight(theme.measure("control") + gap);
    m_sync.setSingleShot(true);
    connect(&m_sync, &QTimer::timeout, this, &QueuePanel::syncRows);
    connect(&jobs, &JobController::listChanged, this, [this] {
        if (!m_sync.isActive()) m_sync.start(0);
    });
    connect(&jobs, &JobController::placeChanged, this, &QueuePanel::refreshSummary);
    connect(&jobs, &JobController::jobChanged, this, &QueuePanel::updateRow);
    setIdleText("Nothing is running");
}

void QueuePanel::makeHeader(QVBoxLayout* layout) {
    auto* header = new QHBoxLayout;
    header->setSpacing(m_theme.measure("margin"));
    QLabel* title = makeLabel("Queue");
    title->setProperty("weight", "strong");
    header->addWidget(title);
    m_summary->setProperty("tone", "second");
    header->addWidget(m_summary, 1);
    header->addWidget(m_timeLeft);
    header->addWidget(m_stop);
    header->addWidget(m_pause);
    layout->addLayout(header);
    // Height is kept while nothing runs, so that the line does not jump.
    header->addStrut(m_theme.measure("control"));
    m_stop->setToolTip("Finish the picture at work, then pause (Ctrl+.)");
    connect(m_stop, &QPushButton::clicked, this, &QueuePanel::stopAfterThisWanted);
    connect(m_pause, &QPushButton::clicked, this, &QueuePanel::pauseWanted);
}

QSize QueuePanel::sizeHint() const {
    const int gap = m_theme.measure("gap");
    const int control = m_theme.measure("control");
    return {480, 6 * gap + 3 * control}; // the header and two rows
}

void QueuePanel::setIdleText(const QString& text) {
    m_idleText = text;
    refreshSummary();
}

JobRow* QueuePanel::makeRow(qint64 number) {
    auto* row = new JobRow(m_theme);
    connect(row, &JobRow::cancelWanted, this, [this, number] { emit cancelWanted(number); });
    connect(row, &JobRow::dismissWanted, this, [this, number] { m_jobs.remove(number); });
    connect(row, &JobRow::retryWanted, this, [this, number] { m_jobs.retry(number); });
    connect(row, &JobRow::editWanted, this, [this, number] { emit editWanted(number); });
    row->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(row, &QWidget::customContextMenuRequested, this, [this, row, number](QPoint at) {
        QMenu menu;
        fillMenu(menu, number);
        menu.exec(row->mapToGlobal(at));
    });
    return row;
}

void QueuePanel::fillMenu(QMenu& menu, qint64 number) {
    const Job* job = m_jobs.find(number);
    if (job == nullptr) return; // it has ended meanwhile
    const auto add = [&](const QString& text, void (JobController::*change)(JobNumber)) {
        menu.addAction(text, this, [this, number, change] { (m_jobs.*change)(number); });
    };
    if (job->state == JobState::Waiting) {
        add("Run &next", &JobController::runNext);
        add("Move to the &end", &JobController::moveToEnd);
    }
    if (job->state == JobState::Paused)
        add("&Go on with this job", &JobController::resume);
    else if (!job->ended())
        add("&Pause this job", &JobController::pause);
    if (job->ended()) add("&Try again", &JobController::retry);
    menu.addAction("&Use its settings", this, [this, number] { emit editWanted(number); });
    menu.addSeparator();
    if (job->ended())
        add("Take it off the &list", &JobController::remove);
    else
        menu.addAction("&Cancel this job", this, [this, number] { emit cancelWanted(number); });
    menu.addAction("Cancel &all jobs\u2026", this, &QueuePanel::cancelAllWanted);
}

void QueuePanel::syncRows() {
    std::set<qint64> listed;
    int place = 0;
    for (const Job& job : m_jobs.jobs()) {
        listed.insert(job.number);
        JobRow*& row = m_rowOf[job.number];
        if (row == nullptr) row = makeRow(job.number);
        if (m_rowsLayout->indexOf(row) != place) m_rowsLayout->insertWidget(place, row);
        row->showJob(job, m_jobs.isLast(job));
        ++place;
    }
    std::erase_if(m_rowOf, [&](const auto& entry) {
        if (listed.contains(entry.first)) return false;
        m_rowsLayout->removeWidget(entry.second);
        entry.second->hide();
        entry.second->deleteLater(); // its own button may be what called
        return true;
    });
    m_hidden->setText(QString("and %1 more").arg(m_jobs.hiddenCount()));
    m_hidden->setVisible(m_jobs.hiddenCount() > 0);
    refreshSummary();
}

void QueuePanel::updateRow(qint64 number) {
    const Job* job = m_jobs.find(number);
    const auto it = m_rowOf.find(number);
    if (job != nullptr && it != m_rowOf.end()) it->second->showJob(*job, m_jobs.isLast(*job));
    refreshSummary();
}

void QueuePanel::showFailureWhole() {
    // The panel grows by what the first failed row needs, within reason: an error is not scrolled.
    const int control = m_theme.measure("control");
    int needed = control + m_theme.measure("gap");
    for (const Job& job : m_jobs.jobs()) {
        const auto it = m_rowOf.find(job.number);
        if (job.state != JobState::Failed || it == m_rowOf.end()) continue;
        QWidget* row = it->second;
        const int width = m_scroll->viewport()->width();
        needed = std::clamp(row->heightForWidth(width) + 2 * m_theme.measure("gap"), needed,
                            5 * control);
        break;
    }
    if (m_scroll->minimumHeight() != needed) m_scroll->setMinimumHeight(needed);
}

QString QueuePanel::summary() const {
    if (m_jobs.place().error) // it stands still
        return QString::fromStdString(m_jobs.place().error->message());
    if (!m_jobs.trouble().isEmpty()) return m_jobs.trouble();
    QStringList parts;
    if (m_jobs.isPaused())
        parts << (m_jobs.active() == nullptr ? "Paused" : "Pauses after this one");
    const auto count = [&](int64_t number, const char* word) {
        if (number > 0) parts << QString("%1 %2").arg(number).arg(word);
    };
    count(m_jobs.runningCount(), "running");
    count(m_jobs.waitingCount(), "waiting");
    count(std::ranges::count(m_jobs.jobs(), JobState::Failed, &Job::state), "failed");
    return parts.isEmpty() ? m_idleText : parts.join(", ");
}

void QueuePanel::refreshSummary() {
    const Job* active = m_jobs.active();
    m_summary->setText(summary());
    const bool trouble = m_jobs.place().error || !m_jobs.trouble().isEmpty();
    const char* tone = trouble ? "warning" : "second";
    if (m_summary->property("tone").toString() != tone) setStyleProperty(m_summary, "tone", tone);
    // While a model is read the steps have not begun: never "almost done".
    const bool loading = active != nullptr && active->state == JobState::Loading;
    const double left = m_jobs.secondsLeft();
    m_timeLeft->setText(active == nullptr || left <= 0
                            ? QString()
                            : timeLeftPhrase(loading ? std::max(left, 2.0) : left));
    refreshButtons();
    showFailureWhole();
}

void QueuePanel::refreshButtons() {
    m_stop->setVisible(m_jobs.active() != nullptr);
    m_stop->setEnabled(!m_jobs.isPaused());
    const bool stands = m_jobs.place().standing == QueueStanding::StandsStill;
    m_pause->setText(stands ? "Try again" : m_jobs.isPaused() ? "Go on" : "Pause");
    m_pause->setToolTip(stands              ? "Work through the queue again"
                        : m_jobs.isPaused() ? "Go on with the queue (Pause)"
                                            : "Stop now; it goes on from the same step (Pause)");
    m_pause->setVisible(stands || m_jobs.isPaused() || m_jobs.busy());
}

} // namespace kinora::app
