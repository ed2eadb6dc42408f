#include "app/widgets/search_popup.h"

#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QAbstractListModel>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QPainter>
#include <QScreen>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <algorithm>

namespace kinora::app {

namespace {

constexpr int kNoteRole = Qt::UserRole + 1;
constexpr int kMostVisible = 12, kLeastWidth = 280;

} // namespace

// The rows that fit what is typed, those whose text begins with it first.
class SearchRows : public QAbstractListModel {
  public:
    using QAbstractListModel::QAbstractListModel;

    void setRows(std::vector<SearchRow> rows) {
        m_rows = std::move(rows);
        m_searched.clear();
        for (const SearchRow& row : m_rows)
            m_searched.push_back((row.text + ' ' + row.foundBy).toLower());
    }
    void search(const QString& typed) {
        beginResetModel();
        const QString all = typed.trimmed().toLower();
        const QStringList words = all.split(' ', Qt::SkipEmptyParts);
        m_shown.clear();
        for (int i = 0; i < static_cast<int>(m_rows.size()); ++i)
            if (std::ranges::all_of(words, [&](const QString& word) {
                    return m_searched[static_cast<size_t>(i)].contains(word);
                }))
                m_shown.push_back(i);
        std::ranges::stable_partition(
            m_shown, [&](int row) { return m_searched[static_cast<size_t>(row)].startsWith(all); });
        endResetModel();
    }
    int rowAt(int shown) const { return m_shown[static_cast<size_t>(shown)]; }
    int placeOf(int row) const {
        const auto found = std::ranges::find(m_shown, row);
        return found == m_shown.end() ? -1 : static_cast<int>(found - m_shown.begin());
    }
    bool isEnabled(int shown) const { return of(shown).enabled; }

    int rowCount(const QModelIndex& parent = {}) const override {
        return parent.isValid() ? 0 : static_cast<int>(m_shown.size());
    }
    QVariant data(const QModelIndex& index, int role) const override {
        if (!index.isValid()) return {};
        const SearchRow& row = of(index.row());
        switch (role) {
        case Qt::DisplayRole: return row.text;
        case Qt::ToolTipRole: return row.toolTip;
        case Qt::AccessibleDescriptionRole:
        case kNoteRole: return row.note;
        default: return {};
        }
    }
    Qt::ItemFlags flags(const QModelIndex& index) const override {
        return index.isValid() && isEnabled(index.row()) ? Qt::ItemIsEnabled | Qt::ItemIsSelectable
                                                         : Qt::NoItemFlags;
    }

  private:
    const SearchRow& of(int shown) const { return m_rows[static_cast<size_t>(rowAt(shown))]; }

    std::vector<SearchRow> m_rows;
    std::vector<QString> m_searched; // in lower case
    std::vector<int> m_shown;
};

namespace {

// The text, and what the note says at the right end.
class RowDelegate : public QStyledItemDelegate {
  public:
    RowDelegate(const Theme& theme, QObject* parent)
        : QStyledItemDelegate(parent), m_theme(theme) {}

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {kLeastWidth, m_theme.measure("chip")};
    }
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        if (option.state & QStyle::State_Selected)
            painter->fillRect(option.rect, m_theme.color("selection"));
        const int margin = m_theme.measure("margin");
        const QRect room = option.rect.adjusted(margin, 0, -margin, 0);
        const QString text = index.data().toString(), note = index.data(kNoteRole).toString();
        const QFontMetrics& metrics = option.fontMetrics;
        const int most = note.isEmpty() ? room.width() : room.width() * 2 / 3;
        const int wide = std::min(metrics.horizontalAdvance(text), most);
        const bool enabled = option.state & QStyle::State_Enabled;
        painter->setFont(option.font);
        painter->setPen(m_theme.color(enabled ? "text" : "secondText"));
        painter->drawText(room, Qt::AlignVCenter | Qt::AlignLeft,
                          metrics.elidedText(text, Qt::ElideMiddle, wide));
        painter->setPen(m_theme.color("secondText"));
        painter->drawText(
            room, Qt::AlignVCenter | Qt::AlignRight,
            metrics.elidedText(note, Qt::ElideRight, room.width() - wide - 2 * margin));
    }

  private:
    const Theme& m_theme;
};

} // namespace

SearchPopup::SearchPopup(const Theme& theme, const QString& placeholder, QWidget* parent)
    : QFrame(parent, Qt::Popup), m_theme(theme), m_field(new QLineEdit), m_list(new QListView),
      m_none(makeLabel("Nothing is found by these words.", "second")),
      m_rows(new SearchRows(this)) {
    setProperty("surface", "popup");
    auto* layout = new QVBoxLayout(this);
    const int gap = theme.measure("gap");
    layout->setContentsMargins(gap, gap, gap, gap);
    layout->setSpacing(gap);
    layout->addWidget(m_field);
    layout->addWidget(m_list, 1);
    layout->addWidget(m_none, 1, Qt::AlignTop);
    m_none->setWordWrap(true);
    m_none->setMargin(gap);
    m_none->hide();
    m_field->setPlaceholderText(placeholder);
    m_field->setAccessibleName(placeholder);
    m_field->setClearButtonEnabled(true);
    m_field->installEventFilter(this);
    m_list->setModel(m_rows);
    m_list->setItemDelegate(new RowDelegate(theme, m_list));
    m_list->setUniformItemSizes(true); // else each search measures all rows
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_list->setAccessibleName(placeholder);
    connect(m_field, &QLineEdit::textChanged, this, &SearchPopup::search);
    m_list->setMouseTracking(true);
    connect(m_list, &QListView::entered, this, [this](const QModelIndex& index) {
        if (m_rows->isEnabled(index.row())) m_list->setCurrentIndex(index);
    });
    connect(m_list, &QListView::clicked, this, &SearchPopup::choose);
}

void SearchPopup::setRows(std::vector<SearchRow> rows) {
    m_rows->setRows(std::move(rows));
    search();
}

void SearchPopup::popUp(const QWidget& field, const QString& typed, int current) {
    m_field->setText(typed);
    search();
    const int place = m_rows->placeOf(current);
    if (place >= 0 && typed.isEmpty()) m_list->setCurrentIndex(m_rows->index(place, 0));
    const int rows = std::clamp(m_rows->rowCount(), 3, kMostVisible);
    const int gap = m_theme.measure("gap");
    const QSize size(std::max(field.width(), kLeastWidth),
                     m_field->sizeHint().height() + rows * m_theme.measure("chip") + 4 * gap);
    const QRect screen = field.screen()->availableGeometry();
    QPoint at = field.mapToGlobal(QPoint(0, field.height()));
    if (at.y() + size.height() > screen.bottom())
        at.setY(std::max(screen.top(), at.y() - field.height() - size.height()));
    at.setX(std::max(screen.left(), std::min(at.x(), screen.right() - size.width())));
    setGeometry({at, size});
    show();
    m_field->setFocus(Qt::PopupFocusReason);
    if (const QModelIndex index = m_list->currentIndex(); index.isValid())
        m_list->scrollTo(index, QAbstractItemView::PositionAtCenter);
}

void SearchPopup::search() {
    m_rows->search(m_field->text());
    m_list->setCurrentIndex({});
    m_list->setVisible(m_rows->rowCount() > 0);
    m_none->setVisible(m_rows->rowCount() == 0);
    for (int i = 0; i < m_rows->rowCount(); ++i)
        if (m_rows->isEnabled(i)) {
            m_list->setCurrentIndex(m_rows->index(i, 0));
            break;
        }
}

void SearchPopup::move(int by) {
    const int count = m_rows->rowCount();
    int at = m_list->currentIndex().row();
    for (int left = std::abs(by), step = by < 0 ? -1 : 1; left > 0; --left) {
        int next = at + step;
        while (next >= 0 && next < count && !m_rows->isEnabled(next)) next += step;
        if (next < 0 || next >= count) break;
        at = next;
    }
    if (at >= 0 && at < count) m_list->setCurrentIndex(m_rows->index(at, 0));
}

void SearchPopup::choose(const QModelIndex& index) {
    if (!index.isValid() || !m_rows->isEnabled(index.row())) return;
    const int row = m_rows->rowAt(index.row());
    hide();
    emit chosen(row);
}

bool SearchPopup::eventFilter(QObject* watched, QEvent* event) {
    if (watched != m_field || event->type() != QEvent::KeyPress) return false;
    switch (static_cast<QKeyEvent*>(event)->key()) {
    case Qt::Key_Down: move(1); return true;
    case Qt::Key_Up: move(-1); return true;
    case Qt::Key_PageDown: move(kMostVisible - 1); return true;
    case Qt::Key_PageUp: move(1 - kMostVisible); return true;
    case Qt::Key_Return:
    case Qt::Key_Enter: choose(m_list->currentIndex()); return true;
    case Qt::Key_Tab: // leaves, and chooses nothing by that
    case Qt::Key_Backtab:
    case Qt::Key_Escape: hide(); return true;
    default: return false;
    }
}

} // namespace kinora::app
