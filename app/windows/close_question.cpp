#include "app/windows/close_question.h"

#include "app/models/job_controller.h"
#include "app/widgets/phrases.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"
#include "app/windows/background_run.h"

#include <QCheckBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace kinora::app {
namespace {

constexpr int kTextWidth = 400;

QString whatIsOpen(const JobController& jobs) {
    const int running = jobs.runningCount();
    const int waiting = jobs.waitingCount();
    QString text = running > 0 ? countPhrase(running, "job is running", "jobs are running")
                               : countPhrase(waiting, "job waits", "jobs wait");
    if (running > 0 && waiting > 0) text += ", " + QString("%1 waiting").arg(waiting);
    return text + ".";
}

} // namespace

std::optional<CloseQuestion::Answer> CloseQuestion::ask(const Theme& theme, JobController& jobs,
                                                        QWidget* parent) {
    CloseQuestion question(theme, jobs, BackgroundRun::hasTray(), parent);
    if (question.exec() != QDialog::Accepted) return std::nullopt;
    return question.answer();
}

CloseQuestion::CloseQuestion(const Theme& theme, JobController& jobs, bool hasTray, QWidget* parent)
    : QDialog(parent), m_theme(theme), m_remember(new QCheckBox("Do so every time")) {
    setWindowTitle("Close Kinora");
    const int margin = theme.measure("margin");
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(2 * margin, 2 * margin, 2 * margin, 2 * margin);
    layout->setSpacing(margin);
    QLabel* title = makeLabel(whatIsOpen(jobs), {}, "large");
    layout->addWidget(title);
    layout->addSpacing(margin);
    addChoice(layout, WhenClosed::GoOn, "&Go on in the background",
              hasTray
                  ? "The icon in the system tray shows how far it is and brings the window back. "
                    "Kinora ends when all is done."
                  : "There is no system tray here: Kinora goes on without a window and ends when "
                    "all is done. Started again meanwhile, it shows how far it is.");
    addChoice(layout, WhenClosed::FinishThis, "&Finish this one",
              "The picture at work is finished. The rest goes on at the next start.");
    addChoice(layout, WhenClosed::StopNow, "&Stop now",
              "Nothing is lost: all goes on at the next start, the picture at work from the step "
              "that it has reached.");
    auto* footer = new QHBoxLayout;
    auto* stay = new QPushButton("&Keep the window open");
    m_remember->setToolTip("It can be changed again in the menu Queue");
    footer->addWidget(m_remember);
    footer->addStretch(1);
    footer->addWidget(stay);
    layout->addWidget(makeLine());
    layout->addLayout(footer);
    connect(stay, &QPushButton::clicked, this, &QDialog::reject);
    const auto acceptWhenDone = [this, &jobs] {
        if (!jobs.works()) accept();
    };
    connect(&jobs, &JobController::listChanged, this, acceptWhenDone);
    connect(&jobs, &JobController::placeChanged, this, acceptWhenDone);
}

void CloseQuestion::addChoice(QVBoxLayout* layout, WhenClosed choice, const QString& text,
                              const QString& meaning) {
    auto* button = new QPushButton(text);
    button->setAutoDefault(true);
    button->setDefault(choice == WhenClosed::GoOn);
    QLabel* label = makeLabel(meaning, "second");
    label->setWordWrap(true);
    label->setFixedWidth(kTextWidth);
    button->setAccessibleDescription(meaning);
    layout->addWidget(button);
    layout->addWidget(label);
    layout->addSpacing(m_theme.measure("margin"));
    connect(button, &QPushButton::clicked, this, [this, choice] {
        m_choice = choice;
        accept();
    });
}

CloseQuestion::Answer CloseQuestion::answer() const {
    return {m_choice, m_remember->isChecked()};
}

} // namespace kinora::app
