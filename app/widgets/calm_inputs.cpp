#include "app/widgets/calm_inputs.h"

#include "app/widgets/theme.h"

#include <QMouseEvent>
#include <QPainter>
#include <QScopedValueRollback>
#include <QStyle>
#include <QStyleOptionSlider>
#include <QStylePainter>
#include <QWheelEvent>

namespace kinora::app {

ChoiceBox::ChoiceBox(const Theme& theme, QWidget* parent) : QComboBox(parent), m_theme(theme) {
    setFocusPolicy(Qt::StrongFocus);
    setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    setMinimumContentsLength(6);
    setMaxVisibleItems(16);
    connect(&theme, &Theme::changed, this, qOverload<>(&QWidget::update));
}

QSize ChoiceBox::sizeHint() const {
    return {QComboBox::sizeHint().width(), m_theme.measure("control")};
}

QSize ChoiceBox::minimumSizeHint() const {
    return {QComboBox::minimumSizeHint().width(), m_theme.measure("control")};
}

void ChoiceBox::keyPressEvent(QKeyEvent* event) {
    const QScopedValueRollback stepping(m_stepping, true);
    QComboBox::keyPressEvent(event);
}

void ChoiceBox::wheelEvent(QWheelEvent* event) {
    const QScopedValueRollback stepping(m_stepping, true);
    if (hasFocus())
        QComboBox::wheelEvent(event);
    else
        event->ignore();
}

void ChoiceBox::paintEvent(QPaintEvent*) {
    QStylePainter painter(this);
    QStyleOptionComboBox option;
    initStyleOption(&option);
    if (currentIndex() < 0 && !placeholderText().isEmpty()) {
        option.currentText = placeholderText();
        option.palette.setBrush(QPalette::ButtonText, option.palette.placeholderText());
    }
    const int size = m_theme.measure("icon");
    const int icon = option.currentIcon.isNull() ? 0 : option.iconSize.width() + 8;
    const QRect room =
        style()->subControlRect(QStyle::CC_ComboBox, &option, QStyle::SC_ComboBoxEditField, this);
    // Long names end in an ellipsis, never under the arrow.
    option.currentText =
        option.fontMetrics.elidedText(option.currentText, Qt::ElideRight, room.width() - icon - 4);
    painter.drawComplexControl(QStyle::CC_ComboBox, option);
    painter.drawControl(QStyle::CE_ComboBoxLabel, option);
    const QRect arrow(width() - size - 6, (height() - size) / 2, size, size);
    const QString color = isEnabled() ? "secondText" : "disabledText";
    m_theme.icon("chevron-down", color).paint(&painter, arrow);
}

MarkedSlider::MarkedSlider(const Theme& theme, QWidget* parent)
    : QSlider(Qt::Horizontal, parent), m_theme(theme) {
    setFocusPolicy(Qt::StrongFocus);
    connect(&theme, &Theme::changed, this, qOverload<>(&QWidget::update));
}

void MarkedSlider::setMark(std::optional<int> value) {
    m_mark = value;
    update();
}

void MarkedSlider::wheelEvent(QWheelEvent* event) {
    if (hasFocus())
        QSlider::wheelEvent(event);
    else
        event->ignore();
}

void MarkedSlider::mousePressEvent(QMouseEvent* event) {
    // A click on the groove goes there, as a person expects, instead of one page.
    if (event->button() == Qt::LeftButton) {
        const int handle = 14;
        const int value = QStyle::sliderValueFromPosition(
            minimum(), maximum(), qRound(event->position().x()) - handle / 2, width() - handle);
        setSliderPosition(value);
    }
    QSlider::mousePressEvent(event);
}

void MarkedSlider::paintEvent(QPaintEvent* event) {
    if (m_mark) {
        QPainter painter(this);
        const int handle = 14;
        const int x = handle / 2 + QStyle::sliderPositionFromValue(minimum(), maximum(), *m_mark,
                                                                   width() - handle);
        painter.fillRect(QRect(x, height() / 2 + 6, 1, 4), m_theme.color("secondText"));
    }
    QSlider::paintEvent(event);
}

} // namespace kinora::app
