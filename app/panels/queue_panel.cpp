#include "app/panels/queue_panel.h"

#include "app/models/job_controller.h"
#include "app/panels/job_row.h"
#include "app/widgets/elided_label.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>

namespace kinora::app {

// Rows that are drawn; the rest is a number. Four thousand waiting jobs stay cheap.
constexpr size_t kMostRows = 40;

QueuePanel::QueuePanel(const Theme& theme, JobController& jobs, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_jobs(jobs), m_summary(new ElidedLabel),
      m_timeLeft(makeLabel({})), m_stop(new QPushButton("Stop after this one")),
      m_rows(new QWidget), m_rowsLayout(new QVBoxLayout(m_rows)), m_scroll(new QScrollArea),
      m_hidden(makeLabel({}, "second", "small")) {
    setProperty("surface", "panel");
    setAttribute(Qt::WA_StyledBackground);
    const int gap = theme.measure("gap");
    const int margin = theme.measure("margin");
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(margin, gap, margin, gap);
    layout->setSpacing(gap);
    auto* header = new QHBoxLayout;
    header->setSpacing(margin);
    QLabel* title = makeLabel("Queue");
    title->setProperty("weight", "strong");
    header->addWidget(title);
    m_summary->setProperty("tone", "second");
    header->addWidget(m_summary, 1);
    header->addWidget(m_timeLeft);
    header->addWidget(m_stop);
    layout->addLayout(header);
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
    m_stop->setToolTip("Finish the picture at work, then leave out the rest (Ctrl+.)");
    // Height is kept while nothing runs, so that the line does not jump.
    header->addStrut(theme.measure("control"));
    connect(m_stop, &QPushButton::clicked, this, &QueuePanel::stopAfterThisWanted);
    connect(&jobs, &JobController::jobAdded, this, &QueuePanel::addRow);
    connect(&jobs, &JobController::jobChanged, this, &QueuePanel::updateRow);
    connect(&jobs, &JobController::jobRemoved, this, &QueuePanel::removeRow);
    setIdleText("Nothing is running");
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

void QueuePanel::addRow(int number) {
    if (m_rowOf.size() < kMostRows) {
        const Job* job = m_jobs.find(number);
        auto* row = new JobRow(m_theme);
        row->showJob(*job);
        connect(row, &JobRow::cancelWanted, this, [this, number] { emit cancelWanted(number); });
        connect(row, &JobRow::dismissWanted, this, [this, number] { m_jobs.remove(number); });
        connect(row, &JobRow::retryWanted, this, [this, number] { m_jobs.retry(number); });
        connect(row, &JobRow::editWanted, this, [this, number] { emit editWanted(number); });
        m_rowsLayout->insertWidget(static_cast<int>(m_rowOf.size()), row);
        m_rowOf[number] = row;
    }
    refreshSummary();
}

void QueuePanel::updateRow(int number) {
    const Job* job = m_jobs.find(number);
    const auto it = m_rowOf.find(number);
    if (job != nullptr && it != m_rowOf.end()) it->second->showJob(*job);
    refreshSummary();
}

void QueuePanel::removeRow(int number) {
    const auto it = m_rowOf.find(number);
    if (it != m_rowOf.end()) {
        it->second->hide();
        it->second->deleteLater(); // its own button may be what called
        m_rowOf.erase(it);
    }
    for (const Job& job : m_jobs.jobs()) // one of those without a row moves up
        if (!m_rowOf.contains(job.number) && m_rowOf.size() < kMostRows) addRow(job.number);
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

void QueuePanel::refreshSummary() {
    const Job* active = m_jobs.active();
    const int waiting = m_jobs.waitingCount();
    QString text;
    if (active != nullptr) text = "1 running";
    if (waiting > 0) text += QString(text.isEmpty() ? "%1 waiting" : ", %1 waiting").arg(waiting);
    int failed = 0;
    for (const Job& job : m_jobs.jobs()) failed += job.state == JobState::Failed;
    if (failed > 0) text += (text.isEmpty() ? "" : ", ") + QString("%1 failed").arg(failed);
    m_summary->setText(text.isEmpty() ? m_idleText : text);
    // While a model is read the steps have not begun: never "almost done".
    const bool loading = active != nullptr && active->state == JobState::Loading;
    const double left = active == nullptr ? 0 : active->secondsLeft;
    m_timeLeft->setText(active == nullptr ? QString()
                                          : timeLeftPhrase(loading ? std::max(left, 2.0) : left));
    m_stop->setVisible(active != nullptr);
    m_stop->setEnabled(active != nullptr && !active->stopping);
    showFailureWhole();
    const size_t hidden = m_jobs.jobs().size() - std::min(m_jobs.jobs().size(), m_rowOf.size());
    m_hidden->setText(QString("and %1 more").arg(hidden));
    m_hidden->setVisible(hidden > 0);
}

} // namespace kinora::app
