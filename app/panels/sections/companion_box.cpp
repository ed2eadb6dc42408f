#include "app/panels/sections/companion_box.h"

#include "app/models/request_document.h"
#include "app/widgets/phrases.h"
#include "app/widgets/search_popup.h"
#include "core/library/companion_fit.h"

#include <QFileInfo>
#include <QKeyEvent>
#include <QSignalBlocker>
#include <QStandardItemModel>
#include <QWheelEvent>

#include <algorithm>

namespace kinora::app {
namespace {

using core::CompanionInfo;
using core::CompanionKind;

constexpr int kKindRole = Qt::UserRole + 1, kTitleRole = Qt::UserRole + 2,
              kWordsRole = Qt::UserRole + 3;
constexpr int kSearchedFrom = 16;            // fewer are seen at a glance
constexpr const char* kOtherFile = "\u2026"; // no file is called so

QString aboutText(const CompanionInfo& file) {
    QString text = toQString(file.kind) + ", " + sizePhrase(file.sizeBytes);
    if (!file.family.empty()) text += ", for " + toQString(file.family);
    if (!file.licence.empty()) text += "\nLicence: " + toQString(file.licence);
    return text + "\n" + QString::fromStdString(file.path.string());
}

QString wordsOf(const CompanionInfo& file) {
    QStringList words;
    for (const std::string& word : file.triggerWords) words << toQString(word);
    return words.join(' ');
}

bool isStep(int key) {
    return key == Qt::Key_Up || key == Qt::Key_Down || key == Qt::Key_PageUp ||
           key == Qt::Key_PageDown || key == Qt::Key_Home || key == Qt::Key_End;
}

QStandardItem* itemOf(const QString& text, const QString& name, CompanionKind kind) {
    auto* item = new QStandardItem(text);
    item->setData(name, Qt::UserRole);
    item->setData(static_cast<int>(kind), kKindRole);
    return item;
}

} // namespace

CompanionBox::CompanionBox(const Theme& theme, const RequestDocument& document, Kinds kinds,
                           QWidget* parent)
    : ChoiceBox(theme, parent), m_theme(theme), m_document(document), m_kinds(std::move(kinds)) {
    connect(&document, &RequestDocument::companionsChanged, this, &CompanionBox::fill);
    connect(&document, &RequestDocument::modelsChanged, this, &CompanionBox::fill);
    connect(&document, &RequestDocument::changed, this, [this] {
        const core::ModelEntry* model = m_document.model();
        if ((model == nullptr ? std::string() : model->family) != m_filledFor) fill();
    });
    connect(this, &QComboBox::activated, this, &CompanionBox::choose);
    fill();
}

void CompanionBox::makeAdder(const QString& text) {
    m_adds = true;
    setPlaceholderText(text);
    setAccessibleName(text);
    fill();
}

void CompanionBox::makeOptional(const QString& none) {
    m_none = none;
    fill();
}

bool CompanionBox::has(CompanionKind kind) const {
    return std::ranges::find(m_kinds, kind) != m_kinds.end();
}

void CompanionBox::fill() {
    const QSignalBlocker blocker(this);
    const core::ModelEntry* model = m_document.model();
    m_filledFor = model == nullptr ? std::string() : model->family;
    struct Entry {
        const CompanionInfo* file;
        std::string misfit;
        QString sortedBy;
    };
    std::vector<Entry> entries;
    for (const CompanionInfo& file : m_document.companions())
        if (has(core::companionKindOf(file)))
            entries.push_back({&file, model == nullptr ? "" : core::misfit(file, *model),
                               toQString(file.name).toLower()});
    std::ranges::stable_sort(entries, [](const Entry& a, const Entry& b) {
        if (a.misfit.empty() != b.misfit.empty()) return a.misfit.empty();
        return a.sortedBy < b.sortedBy;
    });
    QList<QStandardItem*> items;
    if (!m_none.isEmpty()) items << itemOf(m_none, QString(), m_kinds.front());
    for (const Entry& entry : entries) {
        const CompanionInfo& file = *entry.file;
        QString text = toQString(file.name);
        if (!entry.misfit.empty()) text += " (" + toQString(entry.misfit) + ")";
        items << itemOf(text, toQString(m_document.nameOf(file)), core::companionKindOf(file));
        items.back()->setData(aboutText(file), Qt::ToolTipRole);
        items.back()->setData(toQString(file.title), kTitleRole);
        items.back()->setData(wordsOf(file), kWordsRole);
        items.back()->setEnabled(entry.misfit.empty());
    }
    if (m_adds) items << itemOf("Other file\u2026", QString(kOtherFile), m_kinds.front());
    // All at once: a box looks at itself anew with each entry that it is given.
    auto* filled = new QStandardItemModel(this);
    filled->invisibleRootItem()->appendRows(items);
    setModel(filled); // which deletes the one before
    if (m_adds)
        setCurrentIndex(-1);
    else
        showCurrent();
}

void CompanionBox::openSearch(const QString& typed) {
    if (m_search == nullptr) {
        m_search = new SearchPopup(m_theme, "Search names, titles and trigger words", this);
        connect(m_search, &SearchPopup::chosen, this, [this](int row) {
            if (!m_adds) setCurrentIndex(row);
            choose(row);
        });
    }
    std::vector<SearchRow> rows;
    for (int i = 0; i < count(); ++i)
        rows.push_back(
            {itemText(i), itemData(i, kTitleRole).toString(),
             itemData(i, kTitleRole).toString() + ' ' + itemData(i, kWordsRole).toString(),
             itemData(i, Qt::ToolTipRole).toString(),
             model()->flags(model()->index(i, 0)).testFlag(Qt::ItemIsEnabled)});
    m_search->setRows(std::move(rows));
    m_search->popUp(*this, typed, currentIndex());
}

void CompanionBox::showPopup() {
    if (count() < kSearchedFrom)
        ChoiceBox::showPopup();
    else
        openSearch({});
}

void CompanionBox::keyPressEvent(QKeyEvent* event) {
    const bool isText = !event->text().isEmpty() && event->text()[0].isLetterOrNumber() &&
                        !(event->modifiers() & ~(Qt::ShiftModifier | Qt::KeypadModifier));
    if (isText && count() >= kSearchedFrom)
        openSearch(event->text());
    else if (m_adds && isStep(event->key()))
        showPopup(); // else a step from nothing adds what comes first
    else
        ChoiceBox::keyPressEvent(event);
}

void CompanionBox::wheelEvent(QWheelEvent* event) {
    if (m_adds)
        event->ignore();
    else
        ChoiceBox::wheelEvent(event);
}

void CompanionBox::setCurrent(CompanionKind kind, const std::string& name) {
    if (kind == m_kind && name == m_name) return; // each key of the prompt comes by here
    m_kind = kind;
    m_name = name;
    showCurrent();
}

void CompanionBox::showCurrent() {
    const QSignalBlocker blocker(this);
    const CompanionInfo* file = m_document.companion(m_kind, m_name);
    const QString wanted = file == nullptr ? QString() : toQString(m_document.nameOf(*file));
    int found = m_name.empty() && !m_none.isEmpty() ? 0 : -1;
    for (int i = 0; i < count() && !wanted.isEmpty(); ++i)
        if (itemData(i).toString() == wanted && itemData(i, kKindRole) == static_cast<int>(m_kind))
            found = i;
    setPlaceholderText(found >= 0 ? QString() : QFileInfo(toQString(m_name)).fileName());
    setCurrentIndex(found);
    setToolTip(found >= 0 ? itemData(found, Qt::ToolTipRole).toString() : toQString(m_name));
}

QString CompanionBox::problem() const {
    const CompanionInfo* file = m_document.companion(m_kind, m_name);
    if (file == nullptr) {
        const bool known = !m_document.companionsAreRead() || QFileInfo(toQString(m_name)).isFile();
        return known ? QString()
                     : QString("There is no %1 of this name here.")
                           .arg(core::companionKindName(m_kind));
    }
    const core::ModelEntry* model = m_document.model();
    const std::string misfit = model == nullptr ? "" : core::misfit(*file, *model);
    if (misfit.empty()) return {};
    QString sentence = toQString(misfit);
    return sentence.left(1).toUpper() + sentence.mid(1) + ".";
}

void CompanionBox::choose(int index) {
    const QString name = itemData(index).toString();
    const auto kind = static_cast<CompanionKind>(itemData(index, kKindRole).toInt());
    if (m_adds) setCurrentIndex(-1);
    if (name == kOtherFile)
        emit otherFileWanted();
    else
        emit picked(kind, name.toStdString());
}

} // namespace kinora::app
