#include "app/widgets/number_field.h"

#include <QApplication>
#include <QKeyEvent>
#include <QLineEdit>
#include <QMouseEvent>
#include <QWheelEvent>

#include <cmath>

namespace kinora::app {

constexpr double kPixelsPerStep = 6;

NumberField::NumberField(QWidget* parent) : QDoubleSpinBox(parent) {
    setButtonSymbols(QAbstractSpinBox::NoButtons);
    setKeyboardTracking(false);
    setFocusPolicy(Qt::StrongFocus);
    setCorrectionMode(QAbstractSpinBox::CorrectToNearestValue);
    setLocale(QLocale::c()); // one decimal sign in window, command line and metadata
    lineEdit()->installEventFilter(this);
    lineEdit()->setCursor(Qt::SizeHorCursor);
    connect(this, &QDoubleSpinBox::valueChanged, this, [this](double value) {
        const double even = rounded(value);
        if (even != value) { // typed between two multiples
            setValue(even);  // comes back here
            return;
        }
        emit edited(value);
    });
}

QString NumberField::textFromValue(double value) const {
    // "5", "5.5", never "5.50": a person reads the number, not its storage.
    QString text = QString::number(value, 'f', decimals());
    if (text.contains('.')) {
        while (text.endsWith('0')) text.chop(1);
        if (text.endsWith('.')) text.chop(1);
    }
    return text;
}

double NumberField::rounded(double value) const {
    if (m_multiple <= 0) return value;
    const double even = std::round(value / m_multiple) * m_multiple;
    return std::clamp(even, std::ceil(minimum() / m_multiple) * m_multiple,
                      std::floor(maximum() / m_multiple) * m_multiple);
}

void NumberField::fixup(QString& input) const {
    // Out of range: to the nearest end, not back to the old value.
    bool isNumber = false;
    const double value = input.remove(suffix()).trimmed().toDouble(&isNumber);
    if (isNumber && std::isfinite(value))
        input = textFromValue(std::clamp(value, minimum(), maximum())) + suffix();
}

void NumberField::wheelEvent(QWheelEvent* event) {
    if (hasFocus())
        QDoubleSpinBox::wheelEvent(event);
    else
        event->ignore();
}

bool NumberField::press(const QPoint& global) {
    // While a person edits the text, the mouse selects in it.
    if (!isEnabled() || lineEdit()->hasFocus()) return false;
    m_pressed = true;
    m_lastGlobal = global;
    m_dragValue = value();
    return true;
}

bool NumberField::drag(const QPoint& global, bool fine) {
    if (!m_pressed) return false;
    const int dx = global.x() - m_lastGlobal.x();
    if (!m_dragging && std::abs(dx) < QApplication::startDragDistance() / 2) return true;
    m_dragging = true;
    m_lastGlobal = global;
    const double step = fine ? std::max(m_dragStep / 10, std::pow(10.0, -decimals())) : m_dragStep;
    m_dragValue = std::clamp(m_dragValue + dx / kPixelsPerStep * step, minimum(), maximum());
    const double grain = fine ? std::pow(10.0, -decimals()) : step;
    setValue(rounded(std::round(m_dragValue / grain) * grain));
    return true;
}

bool NumberField::release() {
    if (!m_pressed) return false;
    m_pressed = false;
    if (m_dragging) {
        m_dragging = false;
        emit dragFinished();
    } else { // a click: type
        lineEdit()->setFocus(Qt::MouseFocusReason);
        lineEdit()->selectAll();
    }
    return true;
}

bool NumberField::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride) { // undo is the window's, here too
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->matches(QKeySequence::Undo) || key->matches(QKeySequence::Redo)) {
            event->ignore();
            return true;
        }
    }
    return QDoubleSpinBox::event(event);
}

void NumberField::focusInEvent(QFocusEvent* event) {
    lineEdit()->setCursor(Qt::IBeamCursor);
    QDoubleSpinBox::focusInEvent(event);
}

void NumberField::focusOutEvent(QFocusEvent* event) {
    lineEdit()->setCursor(Qt::SizeHorCursor);
    QDoubleSpinBox::focusOutEvent(event);
}

bool NumberField::eventFilter(QObject* watched, QEvent* event) {
    if (watched == lineEdit()) {
        const auto* mouse = static_cast<QMouseEvent*>(event);
        switch (event->type()) {
        case QEvent::MouseButtonPress:
            if (mouse->button() == Qt::LeftButton && press(mouse->globalPosition().toPoint()))
                return true;
            break;
        case QEvent::MouseMove:
            if (drag(mouse->globalPosition().toPoint(), mouse->modifiers() & Qt::ShiftModifier))
                return true;
            break;
        case QEvent::MouseButtonRelease:
            if (mouse->button() == Qt::LeftButton && release()) return true;
            break;
        default: break;
        }
    }
    return QDoubleSpinBox::eventFilter(watched, event);
}

} // namespace kinora::app
