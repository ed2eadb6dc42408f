#include "app/widgets/elided_label.h"

#include <QPainter>

namespace kinora::app {

constexpr int kFewestLetters = 4;

ElidedLabel::ElidedLabel(const QString& text, QWidget* parent) : QWidget(parent) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setText(text);
}

void ElidedLabel::setText(const QString& text) {
    if (text == m_text) return;
    m_text = text;
    setAccessibleName(text);
    setToolTip(text.left(600));
    updateGeometry();
    update();
}

QSize ElidedLabel::sizeHint() const {
    return {fontMetrics().horizontalAdvance(m_text.left(200)) + 2, fontMetrics().height()};
}

QSize ElidedLabel::minimumSizeHint() const {
    return {24, fontMetrics().height()};
}

void ElidedLabel::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const QString shown = fontMetrics().elidedText(m_text.left(1000), Qt::ElideRight, width());
    if (shown != m_text && shown.size() <= kFewestLetters)
        return; // "12…" misleads more than it says
    painter.setPen(palette().color(foregroundRole()));
    painter.drawText(rect(), Qt::AlignVCenter | Qt::AlignLeft | Qt::TextSingleLine, shown);
}

} // namespace kinora::app
