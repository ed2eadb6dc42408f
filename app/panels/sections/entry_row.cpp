#include "app/panels/sections/entry_row.h"

#include "app/panels/sections/companion_box.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QToolButton>
#include <QVBoxLayout>

namespace kinora::app {

EntryRow::EntryRow(const Theme& theme, const QString& noun, CompanionBox* file)
    : m_file(file), m_remove(makeIconButton(theme, "close", "Remove this " + noun, "Delete")),
      m_content(new QVBoxLayout), m_problem(makeLabel({}, "error", "small")) {
    setProperty("surface", "entry");
    setAccessibleName(noun);
    const int gap = theme.measure("gap");
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(gap, gap, gap, gap);
    layout->setSpacing(gap);
    auto* head = new QHBoxLayout;
    head->setSpacing(gap);
    head->addWidget(file, 1);
    head->addWidget(m_remove);
    m_content->setSpacing(gap);
    m_problem->setWordWrap(true);
    m_problem->hide();
    layout->addLayout(head);
    layout->addLayout(m_content);
    layout->addWidget(m_problem);
    file->setAccessibleName(noun);
    connect(m_remove, &QToolButton::clicked, this, &EntryRow::removeWanted);
}

std::vector<QWidget*> EntryRow::stops() const {
    std::vector<QWidget*> stops = {m_file, m_remove};
    stops.insert(stops.end(), m_stops.begin(), m_stops.end());
    return stops;
}

QWidget* EntryRow::firstStop() const {
    return m_file;
}

QString EntryRow::problem() const {
    return m_problem->isHidden() ? QString() : m_problem->text();
}

void EntryRow::say(const QString& problem) {
    m_problem->setText(problem);
    m_problem->setVisible(!problem.isEmpty());
}

bool EntryRow::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride) { // Delete is the strip's elsewhere
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Delete && key->modifiers() == Qt::NoModifier) {
            event->accept();
            return true;
        }
    }
    return QFrame::event(event);
}

void EntryRow::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Delete && event->modifiers() == Qt::NoModifier)
        emit removeWanted();
    else
        QFrame::keyPressEvent(event);
}

} // namespace kinora::app
