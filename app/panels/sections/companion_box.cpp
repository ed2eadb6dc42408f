#include "app/panels/sections/companion_box.h"

#include "app/models/request_document.h"
#include "app/widgets/phrases.h"
#include "core/library/companion_fit.h"

#include <QFileInfo>
#include <QSignalBlocker>
#include <QStandardItemModel>

#include <algorithm>

namespace kinora::app {
namespace {

using core::CompanionInfo;
using core::CompanionKind;

constexpr int kKindRole = Qt::UserRole + 1;
constexpr const char* kOtherFile = "\u2026"; // no file is called so

QString aboutText(const CompanionInfo& file) {
    QString text = toQString(file.kind) + ", " + sizePhrase(file.sizeBytes);
    if (!file.family.empty()) text += ", for " + toQString(file.family);
    if (!file.licence.empty()) text += "\nLicence: " + toQString(file.licence);
    return text + "\n" + QString::fromStdString(file.path.string());
}

} // namespace

CompanionBox::CompanionBox(const Theme& theme, const RequestDocument& document, Kinds kinds,
                           QWidget* parent)
    : ChoiceBox(theme, parent), m_document(document), m_kinds(std::move(kinds)) {
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
    };
    std::vector<Entry> entries;
    for (const CompanionInfo& file : m_document.companions())
        if (has(core::companionKindOf(file)))
            entries.push_back({&file, model == nullptr ? "" : core::misfit(file, *model)});
    std::ranges::stable_sort(entries, [](const Entry& a, const Entry& b) {
        if (a.misfit.empty() != b.misfit.empty()) return a.misfit.empty();
        return toQString(a.file->name).compare(toQString(b.file->name), Qt::CaseInsensitive) < 0;
    });
    clear();
    if (!m_none.isEmpty()) {
        addItem(m_none, QString());
        setItemData(0, static_cast<int>(m_kinds.front()), kKindRole);
    }
    auto* items = qobject_cast<QStandardItemModel*>(this->model());
    for (const Entry& entry : entries) {
        QString text = toQString(entry.file->name);
        if (!entry.misfit.empty()) text += " (" + toQString(entry.misfit) + ")";
        addItem(text, toQString(m_document.nameOf(*entry.file)));
        setItemData(count() - 1, static_cast<int>(core::companionKindOf(*entry.file)), kKindRole);
        setItemData(count() - 1, aboutText(*entry.file), Qt::ToolTipRole);
        if (!entry.misfit.empty()) items->item(count() - 1)->setEnabled(false);
    }
    if (m_adds) {
        addItem("Other file\u2026", QString(kOtherFile));
        setCurrentIndex(-1);
    } else {
        showCurrent();
    }
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
