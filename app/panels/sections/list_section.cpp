#include "app/panels/sections/list_section.h"

#include "app/models/request_document.h"
#include "app/panels/sections/companion_box.h"
#include "app/panels/sections/entry_row.h"
#include "app/widgets/hint_line.h"
#include "app/widgets/theme.h"
#include "core/library/companion_fit.h"

#include <QApplication>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace kinora::app {

ListSection::ListSection(const Parts& parts, const QString& title, const QString& noun,
                         std::vector<core::CompanionKind> kinds)
    : ComposeSection(parts, title), m_noun(noun), m_kinds(kinds), m_rowsLayout(new QVBoxLayout),
      m_adder(new CompanionBox(parts.theme, parts.document, std::move(kinds))),
      m_empty(new HintLine(parts.theme)) {
    m_rowsLayout->setSpacing(parts.theme.measure("margin"));
    const bool vowel = QString("AEIOU").contains(noun[0]);
    m_adder->makeAdder(QString("Add %1 %2\u2026").arg(vowel ? "an" : "a", noun));
    content()->addLayout(m_rowsLayout);
    content()->addWidget(m_adder);
    content()->addWidget(m_empty);
    connect(m_adder, &CompanionBox::picked, this, &ListSection::add);
    connect(m_adder, &CompanionBox::otherFileWanted, this, &ComposeSection::otherFileWanted);
}

bool ListSection::use(const core::CompanionInfo& file) {
    const core::CompanionKind kind = core::companionKindOf(file);
    if (std::ranges::find(m_kinds, kind) == m_kinds.end()) return false;
    const core::CompanionInfo* known = document().companion(kind, file.path.string());
    add(kind, known == nullptr ? file.path.string() : document().nameOf(*known));
    return true;
}

void ListSection::refresh() {
    const size_t wanted = count();
    const bool changes = wanted != m_rows.size();
    while (m_rows.size() > wanted) {
        m_rows.back()->hide();
        m_rows.back()->deleteLater(); // the change may come from its own button
        m_rowsLayout->removeWidget(m_rows.back());
        m_rows.pop_back();
    }
    while (m_rows.size() < wanted) {
        const size_t index = m_rows.size();
        EntryRow* row = makeRow(index);
        connect(row, &EntryRow::removeWanted, this, [this, index] { removeRow(index); });
        m_rows.push_back(row);
        m_rowsLayout->addWidget(row);
        row->show();
    }
    for (EntryRow* row : m_rows) row->refresh();
    if (changes) orderFocus();
    const bool none = document().companionsAreRead() && wanted == 0 && m_adder->count() == 1;
    if (none)
        m_empty->say(QString("No %1 is here yet.").arg(m_noun), "Open the models folder",
                     [this] { emit modelsFolderWanted(); });
    else
        m_empty->say({});
}

void ListSection::orderFocus() {
    QWidget* before = header();
    for (const EntryRow* row : m_rows)
        for (QWidget* stop : row->stops()) {
            QWidget::setTabOrder(before, stop);
            before = stop;
        }
}

void ListSection::removeRow(size_t index) {
    const bool hadFocus = m_rows[index]->isAncestorOf(QApplication::focusWidget());
    remove(index);
    if (!hadFocus) return;
    if (m_rows.empty())
        m_adder->setFocus();
    else
        m_rows[std::min(index, m_rows.size() - 1)]->firstStop()->setFocus();
}

std::optional<std::pair<core::CompanionKind, std::string>> ListSection::onlyFitting() const {
    std::optional<std::pair<core::CompanionKind, std::string>> only;
    const core::ModelEntry* model = document().model();
    for (const core::CompanionInfo& file : document().companions()) {
        const core::CompanionKind kind = core::companionKindOf(file);
        if (std::ranges::find(m_kinds, kind) == m_kinds.end()) continue;
        if (model != nullptr && !core::misfit(file, *model).empty()) continue;
        if (only) return std::nullopt;
        only.emplace(kind, document().nameOf(file));
    }
    return only;
}

void ListSection::apply(const pipelines::ImageRequest& after, const QString& undoText,
                        const QString& key) {
    showProblem(document().edit(after, undoText, key));
}

} // namespace kinora::app
