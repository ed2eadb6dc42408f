#pragma once
// What the Help menu opens.

#include <QDialog>

class QMenuBar;

namespace kinora::app {

class Theme;
struct ProgramContext;

// Every action of the menus with its keys, and what the mouse does in the viewer.
class ShortcutsDialog : public QDialog {
    Q_OBJECT
  public:
    ShortcutsDialog(const QMenuBar& menus, const Theme& theme, QWidget* parent);
};

class AboutDialog : public QDialog {
    Q_OBJECT
  public:
    AboutDialog(const ProgramContext& context, const Theme& theme, QWidget* parent);
};

} // namespace kinora::app
