#include "app/panels/job_row.h"

#include "app/models/job_controller.h"
#include "app/widgets/elided_label.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>
#include <QToolButton>

namespace kinora::app {

constexpr int kStateWidth = 120; // progress bar, or the state in a word
constexpr int kProgressParts = 1000;

namespace {

// "2 of 5 pictures done \u00b7 after job 3"
QString waitingDetail(const Job& job) {
    QStringList parts;
    const int64_t count = job.request.count;
    if (job.picturesDone > 0)
        parts << QString("%1 of %2 pictures done").arg(job.picturesDone).arg(count);
    else if (count > 1)
        parts << countPhrase(count, "picture", "pictures");
    if (!job.needs.empty()) parts << QString("after job %1").arg(job.needs.front());
    if (!job.message.isEmpty()) parts << "will be tried again";
    return parts.join(QStringLiteral(" \u00b7 "));
}

// The colour's name of the theme and the word of a state that has no progress.
struct StateWord {
    const char* icon;
    const char* iconColor;
    const char* tone;
    const char* word;
};
StateWord stateWord(const Job& job) {
    if (job.state == JobState::Failed)
        return {"error", "error", "error", job.setAside ? "Set aside" : "Failed"};
    if (job.state == JobState::Paused) return {"pause", "secondText", "second", "Paused"};
    return {"waiting", "secondText", "second", "Waiting"};
}

} // namespace

QString jobDetail(const Job& job, bool last) {
    const int64_t count = job.request.count;
    switch (job.state) {
    case JobState::Waiting:
    case JobState::Paused: return waitingDetail(job);
    case JobState::Loading:
        if (job.loading.isEmpty()) return "preparing";
        return QString("loading the %1, %2 %")
            .arg(job.loading)
            .arg(qRound(job.loadedFraction * 100));
    case JobState::Running: {
        QString text;
        if (job.steps == 0) return "running";
        if (count > 1) text = QString("picture %1 of %2 \u00b7 ").arg(job.picture + 1).arg(count);
        if (job.step >= job.steps) return text + "decoding";
        text += QString("step %1 of %2").arg(job.step).arg(job.steps);
        if (job.secondsPerStep > 0)
            text += QString(" \u00b7 %1 a step").arg(secondsPhrase(job.secondsPerStep));
        return last ? text + " \u00b7 the last one" : text;
    }
    case JobState::Finished: return "done";
    case JobState::Failed: return {};
    case JobState::Cancelled: return "cancelled";
    }
    return {};
}

JobRow::JobRow(const Theme& theme, QWidget* parent)
    : QWidget(parent), m_theme(theme), m_icon(new QLabel), m_progress(new QProgressBar),
      m_state(makeLabel({}, "second")), m_title(new ElidedLabel), m_detail(makeLabel({}, "second")),
      m_close(makeIconButton(theme, "close", "Cancel")), m_problem(makeLabel({}, "error")),
      m_mend(new QWidget) {
    const int gap = theme.measure("gap");
    const int margin = theme.measure("margin");
    auto* layout = new QGridLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setHorizontalSpacing(margin);
    layout->setVerticalSpacing(gap);
    m_progress->setFixedWidth(kStateWidth);
    m_progress->setRange(0, kProgressParts);
    m_progress->setTextVisible(false);
    m_progress->setAccessibleName("Progress");
    m_problem->setWordWrap(true);
    m_problem->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_problem->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    auto* retry = new QPushButton("Try again");
    auto* edit = new QPushButton("Edit settings");
    auto* mendLayout = new QHBoxLayout(m_mend);
    mendLayout->setContentsMargins(0, 0, 0, 0);
    mendLayout->setSpacing(margin);
    mendLayout->addWidget(edit);
    mendLayout->addWidget(retry);
    auto* state = new QHBoxLayout;
    state->setSpacing(gap);
    state->addWidget(m_icon);
    state->addWidget(m_state);
    state->addWidget(m_progress);
    state->addStretch(1);
    layout->setColumnMinimumWidth(0, kStateWidth);
    layout->addLayout(state, 0, 0);
    layout->addWidget(m_title, 0, 1);
    layout->addWidget(m_detail, 0, 2);
    layout->addWidget(m_close, 0, 3);
    layout->addWidget(m_problem, 1, 1);
    layout->addWidget(m_mend, 1, 2, 1, 2, Qt::AlignTop);
    layout->setColumnStretch(1, 1);
    m_problem->hide();
    m_mend->hide();
    connect(retry, &QPushButton::clicked, this, &JobRow::retryWanted);
    connect(edit, &QPushButton::clicked, this, &JobRow::editWanted);
    connect(m_close, &QToolButton::clicked, this, [this] {
        if (m_failed)
            emit dismissWanted();
        else
            emit cancelWanted();
    });
}

void JobRow::showJob(const Job& job, bool last) {
    const QString prompt = QString::fromStdString(job.request.prompt);
    m_title->setText(prompt.trimmed().isEmpty() ? "No prompt" : prompt.simplified());
    m_detail->setText(jobDetail(job, last));
    m_failed = job.state == JobState::Failed;
    m_progress->setVisible(job.active());
    const double part = job.state == JobState::Loading ? 0 : job.fraction();
    m_progress->setValue(qRound(part * kProgressParts));
    const StateWord word = stateWord(job);
    m_icon->setPixmap(m_theme.icon(word.icon, word.iconColor).pixmap(m_theme.measure("icon")));
    m_icon->setVisible(!job.active());
    m_state->setVisible(!job.active());
    m_state->setText(word.word);
    if (m_state->property("tone").toString() != word.tone)
        setStyleProperty(m_state, "tone", word.tone);
    const QString close = m_failed       ? "Take it off the list"
                          : job.active() ? "Cancel (Esc)"
                                         : "Take it out of the queue";
    m_close->setToolTip(close);
    m_close->setAccessibleName(close);
    setAccessibleName(m_title->text() + ", " + (job.active() ? QString() : m_state->text() + " ") +
                      m_detail->text());
    if (m_failed) showFailure(job);
    m_problem->setVisible(m_failed);
    m_mend->setVisible(m_failed);
}

void JobRow::showFailure(const Job& job) {
    QString problem = job.message;
    if (!job.advice.isEmpty()) problem += " " + job.advice;
    m_problem->setText(problem.left(1000));
}

} // namespace kinora::app
