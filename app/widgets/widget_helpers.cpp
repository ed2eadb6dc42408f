#include "app/widgets/widget_helpers.h"

#include "app/widgets/theme.h"

#include <QFrame>
#include <QLabel>
#include <QStyle>
#include <QToolButton>
#include <QVariant>

namespace kinora::app {

void setStyleProperty(QWidget* widget, const char* name, const QString& value) {
    if (widget->property(name).toString() == value) return;
    widget->setProperty(name, value);
    widget->style()->unpolish(widget);
    widget->style()->polish(widget);
}

QLabel* makeLabel(const QString& text, const QString& tone, const QString& size) {
    auto* label = new QLabel(text);
    label->setTextFormat(Qt::PlainText);
    if (!tone.isEmpty()) label->setProperty("tone", tone);
    if (!size.isEmpty()) label->setProperty("textSize", size);
    return label;
}

QToolButton* makeIconButton(const Theme& theme, const QString& iconName, const QString& text,
                            const QString& shortcut) {
    auto* button = new QToolButton;
    button->setIcon(theme.icon(iconName));
    button->setIconSize(QSize(theme.measure("icon"), theme.measure("icon")));
    button->setProperty("iconOnly", true);
    button->setAccessibleName(text);
    button->setToolTip(shortcut.isEmpty() ? text : text + " (" + shortcut + ")");
    button->setFocusPolicy(Qt::TabFocus);
    return button;
}

QFrame* makeLine() {
    auto* line = new QFrame;
    line->setProperty("surface", "line");
    line->setFixedHeight(1);
    return line;
}

} // namespace kinora::app
