#pragma once
// Small ways to make the widgets that panels are built of. UI thread only.

#include <QString>

class QFrame;
class QLabel;
class QToolButton;
class QWidget;

namespace kinora::app {

class Theme;

// A style sheet looks at these properties: tone second|error|warning|good, textSize
// small|large|title, weight strong. Set again and the widget is painted anew.
void setStyleProperty(QWidget* widget, const char* name, const QString& value);

QLabel* makeLabel(const QString& text, const QString& tone = {}, const QString& size = {});
// A square button with an icon alone: the text is its accessible name and its tooltip.
QToolButton* makeIconButton(const Theme& theme, const QString& iconName, const QString& text,
                            const QString& shortcut = {});
QFrame* makeLine(); // horizontal, 1 px

} // namespace kinora::app
