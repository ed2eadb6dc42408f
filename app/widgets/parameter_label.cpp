#include "app/widgets/parameter_label.h"

#include <QMouseEvent>
#include <QPainter>

namespace kinora::app {

constexpr int kDotRoom = 10;

ParameterLabel::ParameterLabel(const QString& text, QWidget* parent) : QLabel(text, parent) {
    setTextFormat(Qt::PlainText);
    setProperty("tone", "second");
    setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
}

void ParameterLabel::setHelp(const QString& help, const QString& defaultText) {
    QString tip = help;
    if (!defaultText.isEmpty())
        tip += "\nDefault: " + defaultText + ". Double-click the label to go back to it.";
    setToolTip(tip);
    if (buddy() != nullptr) {
        buddy()->setToolTip(help);
        buddy()->setAccessibleDescription(help);
    }
}

void ParameterLabel::setChanged(bool changed) {
    if (changed == m_changed) return;
    m_changed = changed;
    update();
}

void ParameterLabel::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() == Qt::LeftButton) emit resetWanted();
}

QSize ParameterLabel::sizeHint() const {
    const QSize size = QLabel::sizeHint();
    return {size.width() + kDotRoom, size.height()}; // room for the dot: nothing moves
}

void ParameterLabel::paintEvent(QPaintEvent* event) {
    QLabel::paintEvent(event);
    if (!m_changed) return;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(palette().color(foregroundRole()));
    const double x = QLabel::sizeHint().width() + 3;
    painter.drawEllipse(QRectF(x, height() / 2.0 - 2, 4, 4));
}

} // namespace kinora::app
