#include "app/widgets/growing_text_edit.h"

#include <QEvent>
#include <QFontMetrics>
#include <QKeyEvent>
#include <QMimeData>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextLayout>

#include <algorithm>
#include <cmath>

namespace kinora::app {

// Longer text still goes through, but no text field needs to hold more than the engine accepts.
constexpr int kLongestPaste = 1 << 20;

GrowingTextEdit::GrowingTextEdit(int fewestLines, int mostLines, QWidget* parent)
    : QPlainTextEdit(parent), m_fewestLines(fewestLines), m_mostLines(mostLines) {
    setTabChangesFocus(true);
    setUndoRedoEnabled(false); // the window's undo stack holds the edits of text too
    setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setWordWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    document()->setDocumentMargin(2);
    connect(this, &QPlainTextEdit::textChanged, this, &GrowingTextEdit::adjustHeight);
    adjustHeight();
}

int GrowingTextEdit::heightFor(int lines) const {
    // Padding of 4 and a border of 1 on both sides, the document's own margin of 2.
    return std::clamp(lines, m_fewestLines, m_mostLines) * fontMetrics().lineSpacing() + 14;
}

void GrowingTextEdit::adjustHeight() {
    int lines = 0;
    for (QTextBlock block = document()->begin(); block.isValid() && lines <= m_mostLines;
         block = block.next()) {
        blockBoundingRect(block); // lays the block out where it was not yet
        lines += std::max(1, block.layout()->lineCount());
    }
    const int height = heightFor(lines);
    if (height != minimumHeight() || height != maximumHeight()) setFixedHeight(height);
}

void GrowingTextEdit::replaceText(const QString& text) {
    const QString old = toPlainText();
    if (old == text) return;
    int same = 0;
    const int shorter = std::min(old.size(), text.size());
    while (same < shorter && old[same] == text[same]) ++same;
    int tail = 0;
    while (tail < shorter - same && old[old.size() - 1 - tail] == text[text.size() - 1 - tail])
        ++tail;
    setPlainText(text);
    QTextCursor cursor = textCursor();
    cursor.setPosition(std::min<int>(text.size() - tail, document()->characterCount() - 1));
    setTextCursor(cursor);
}

bool GrowingTextEdit::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->matches(QKeySequence::Undo) || key->matches(QKeySequence::Redo)) {
            event->ignore();
            return true;
        }
    }
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange ||
        event->type() == QEvent::Polish) {
        const bool result = QPlainTextEdit::event(event);
        adjustHeight();
        return result;
    }
    return QPlainTextEdit::event(event);
}

void GrowingTextEdit::resizeEvent(QResizeEvent* event) {
    QPlainTextEdit::resizeEvent(event);
    adjustHeight(); // another width wraps differently
}

bool GrowingTextEdit::canInsertFromMimeData(const QMimeData* source) const {
    return source->hasText() && !source->hasUrls() && !source->hasImage();
}

void GrowingTextEdit::insertFromMimeData(const QMimeData* source) {
    if (!canInsertFromMimeData(source)) return;
    insertPlainText(source->text().left(kLongestPaste));
    ensureCursorVisible();
}

} // namespace kinora::app
