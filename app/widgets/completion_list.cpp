#include "app/widgets/completion_list.h"

#include "app/widgets/theme.h"

#include <QApplication>
#include <QKeyEvent>
#include <QPainter>
#include <QPlainTextEdit>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <QTextBlock>

#include <algorithm>

namespace kinora::app {
namespace {

constexpr int kNoteRole = Qt::UserRole + 1;
constexpr int kFewestPixels = 160;

// The text, and at the right end the note.
class RowDelegate : public QStyledItemDelegate {
  public:
    RowDelegate(const Theme& theme, QObject* parent)
        : QStyledItemDelegate(parent), m_theme(theme) {}

    int widthOf(const QString& text, const QString& note, const QFontMetrics& metrics) const {
        const int margin = m_theme.measure("margin");
        const int width = metrics.horizontalAdvance(text) + 2 * margin;
        return note.isEmpty() ? width : width + 2 * margin + metrics.horizontalAdvance(note);
    }
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        const QString text = index.data().toString(), note = index.data(kNoteRole).toString();
        return {widthOf(text, note, option.fontMetrics), m_theme.measure("chip")};
    }
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        if (option.state & QStyle::State_Selected)
            painter->fillRect(option.rect, m_theme.color("selection"));
        const int margin = m_theme.measure("margin");
        const QRect room = option.rect.adjusted(margin, 0, -margin, 0);
        const QString note = index.data(kNoteRole).toString();
        const int noteRoom = note.isEmpty()
                                 ? 0
                                 : std::min(option.fontMetrics.horizontalAdvance(note) + 2 * margin,
                                            room.width() / 2);
        const QRect left = room.adjusted(0, 0, -noteRoom, 0);
        painter->setFont(option.font);
        painter->setPen(m_theme.color("text"));
        painter->drawText(
            left, Qt::AlignVCenter | Qt::AlignLeft,
            option.fontMetrics.elidedText(index.data().toString(), Qt::ElideRight, left.width()));
        if (note.isEmpty()) return;
        painter->setPen(m_theme.color("secondText"));
        painter->drawText(
            room, Qt::AlignVCenter | Qt::AlignRight,
            option.fontMetrics.elidedText(note, Qt::ElideRight, noteRoom - 2 * margin));
    }

  private:
    const Theme& m_theme;
};

} // namespace

CompletionList::CompletionList(const Theme& theme, QPlainTextEdit& edit)
    : QListView(&edit), m_theme(theme), m_edit(edit), m_rows(new QStandardItemModel(this)) {
    hide();
    setModel(m_rows);
    setItemDelegate(new RowDelegate(theme, this));
    setProperty("surface", "popup");
    setAccessibleName("Completions");
    setFocusPolicy(Qt::NoFocus);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setMouseTracking(true);
    connect(this, &QListView::entered, this, &QListView::setCurrentIndex);
    connect(this, &QListView::clicked, this, &CompletionList::choose);
}

void CompletionList::offer(const QList<Row>& rows, int place) {
    m_rows->clear();
    if (rows.isEmpty() || !m_edit.hasFocus()) {
        close();
        return;
    }
    for (const Row& row : rows) {
        auto* item = new QStandardItem(row.text);
        item->setData(row.note, kNoteRole);
        if (!row.note.isEmpty()) item->setAccessibleDescription(row.note);
        m_rows->appendRow(item);
    }
    if (parentWidget() != m_edit.window()) setParent(m_edit.window());
    putAt(place);
    setCurrentIndex(m_rows->index(0, 0));
    if (isVisible()) return;
    show();
    raise();
    qApp->installEventFilter(this);
}

void CompletionList::close() {
    if (isHidden()) return;
    qApp->removeEventFilter(this);
    hide();
}

void CompletionList::putAt(int place) {
    ensurePolished();
    const QFontMetrics metrics(font());
    const auto* delegate = static_cast<const RowDelegate*>(itemDelegate());
    int widest = kFewestPixels;
    for (int row = 0; row < m_rows->rowCount(); ++row) {
        const QModelIndex index = m_rows->index(row, 0);
        widest = std::max(widest, delegate->widthOf(index.data().toString(),
                                                    index.data(kNoteRole).toString(), metrics));
    }
    const int frame = 2 * frameWidth();
    const QSize size(std::min(widest + frame, m_edit.width()),
                     m_rows->rowCount() * m_theme.measure("chip") + frame);
    QTextCursor cursor = m_edit.textCursor();
    cursor.setPosition(place);
    const QRect at = m_edit.cursorRect(cursor);
    const QPoint below = m_edit.viewport()->mapTo(m_edit.window(), at.bottomLeft());
    const int gap = m_theme.measure("gap");
    const QPoint right = m_edit.mapTo(m_edit.window(), QPoint(m_edit.width(), 0));
    const int x = std::min(below.x() - m_theme.measure("margin"), right.x() - size.width());
    int y = below.y() + gap;
    if (y + size.height() > m_edit.window()->height())
        y = std::max(0, below.y() - at.height() - gap - size.height());
    setGeometry({QPoint(std::max(x, 0), y), size});
}

void CompletionList::move(int by) {
    const int count = m_rows->rowCount();
    setCurrentIndex(m_rows->index((currentIndex().row() + by + count) % count, 0));
}

void CompletionList::choose(const QModelIndex& index) {
    const QString text = index.data().toString();
    close();
    if (!text.isEmpty()) emit chosen(text);
}

bool CompletionList::takeKey(int key) {
    switch (key) {
    case Qt::Key_Down: move(1); return true;
    case Qt::Key_Up: move(-1); return true;
    case Qt::Key_Return:
    case Qt::Key_Enter:
    case Qt::Key_Tab: choose(currentIndex()); return true;
    case Qt::Key_Escape: close(); return true;
    case Qt::Key_Left:
    case Qt::Key_Right:
    case Qt::Key_Home:
    case Qt::Key_End:
    case Qt::Key_PageUp:
    case Qt::Key_PageDown: close(); return false;
    default: return false;
    }
}

bool CompletionList::eventFilter(QObject* watched, QEvent* event) {
    const auto* widget = qobject_cast<QWidget*>(watched);
    const bool own = widget == this || widget == viewport();
    switch (event->type()) {
    case QEvent::ShortcutOverride: {
        if (watched != &m_edit) return false;
        const auto* key = static_cast<QKeyEvent*>(event);
        // Esc cancels a job, but not while it has a list to close.
        const bool escape = key->key() == Qt::Key_Escape;
        if (escape) event->accept();
        // Ctrl+Enter generates: a shortcut, so no key press follows.
        if (key->modifiers() & Qt::ControlModifier && key->key() != Qt::Key_Control) close();
        return escape;
    }
    case QEvent::KeyPress: {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (watched != &m_edit) return false;
        if (key->modifiers() & ~(Qt::KeypadModifier | Qt::ShiftModifier)) return false;
        return !(key->modifiers() & Qt::ShiftModifier) && takeKey(key->key());
    }
    case QEvent::FocusOut:
    case QEvent::Hide:
        if (watched == &m_edit) close();
        return false;
    case QEvent::MouseButtonPress:
    case QEvent::Wheel:
        if (widget != nullptr && !own) close();
        return false;
    case QEvent::Resize:
        if (watched == m_edit.window()) close();
        return false;
    default: return false;
    }
}

} // namespace kinora::app
