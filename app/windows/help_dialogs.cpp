#include "app/windows/help_dialogs.h"

#include "app/program.h"
#include "app/widgets/theme.h"
#include "app/widgets/widget_helpers.h"

#include <QAction>
#include <QDialogButtonBox>
#include <QGridLayout>
#include <QLabel>
#include <QMenu>
#include <QMenuBar>
#include <QScrollArea>
#include <QVBoxLayout>

namespace kinora::app {
namespace {

void addClose(QDialog* dialog, QVBoxLayout* layout) {
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    layout->addWidget(buttons);
}

class KeyTable {
  public:
    KeyTable(QGridLayout* grid, const Theme& theme) : m_grid(grid), m_theme(theme) {}
    void heading(const QString& text) {
        if (m_row > 0) m_grid->setRowMinimumHeight(m_row++, m_theme.measure("margin"));
        QLabel* label = makeLabel(text);
        label->setProperty("weight", "strong");
        m_grid->addWidget(label, m_row++, 0, 1, 2);
    }
    void row(const QString& what, const QString& keys) {
        m_grid->addWidget(makeLabel(what), m_row, 0);
        m_grid->addWidget(makeLabel(keys, "second"), m_row++, 1);
    }

  private:
    QGridLayout* m_grid;
    const Theme& m_theme;
    int m_row = 0;
};

} // namespace

ShortcutsDialog::ShortcutsDialog(const QMenuBar& menus, const Theme& theme, QWidget* parent)
    : QDialog(parent) {
    setWindowTitle("Keyboard shortcuts");
    auto* content = new QWidget;
    content->setProperty("surface", "panel");
    content->setAttribute(Qt::WA_StyledBackground);
    auto* grid = new QGridLayout(content);
    const int group = theme.measure("group");
    grid->setContentsMargins(group, group, group, group);
    grid->setHorizontalSpacing(2 * group);
    grid->setVerticalSpacing(theme.measure("gap"));
    KeyTable table(grid, theme);
    for (const QAction* menuAction : menus.actions()) {
        const QMenu* menu = menuAction->menu();
        if (menu == nullptr) continue;
        bool headed = false;
        for (const QAction* action : menu->actions()) {
            if (action->shortcuts().isEmpty()) continue;
            if (!headed) table.heading(menuAction->text().remove('&'));
            headed = true;
            QStringList keys;
            for (const QKeySequence& sequence : action->shortcuts())
                keys << sequence.toString(QKeySequence::NativeText);
            table.row(action->text().remove('&'), keys.join("  or  "));
        }
    }
    table.heading("In the viewer");
    table.row("Zoom at the pointer", "Wheel");
    table.row("Pan", "Space and drag, or the middle button");
    table.row("Fit or 100 %", "Double click");
    table.row("Newer, older picture", "Arrow keys");
    table.row("Drag the picture out", "Left button");
    table.heading("In the compose panel");
    table.row("Change a number", "Drag it, or the arrow keys");
    table.row("Finely", "Drag with Shift");
    table.row("Back to the default", "Double click on the label");
    grid->setColumnStretch(1, 1);
    auto* scroll = new QScrollArea;
    scroll->setWidget(content);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(scroll);
    addClose(this, layout);
    resize(600, 640);
}

AboutDialog::AboutDialog(const ProgramContext& context, const Theme& theme, QWidget* parent)
    : QDialog(parent) {
    setWindowTitle("About Kinora");
    auto* layout = new QVBoxLayout(this);
    const int group = theme.measure("group");
    layout->setContentsMargins(2 * group, 2 * group, 2 * group, group);
    layout->setSpacing(theme.measure("margin"));
    auto* logo = new QLabel;
    logo->setPixmap(theme.icon("kinora").pixmap(64));
    layout->addWidget(logo);
    layout->addWidget(makeLabel("Kinora", {}, "title"));
    QString version = "Version " + QString::fromStdString(context.version);
    if (!context.commit.empty()) version += " (" + QString::fromStdString(context.commit) + ")";
    layout->addWidget(makeLabel(version, "second"));
    QLabel* text =
        makeLabel("A studio for generated media that runs on your own machine: no account, "
                  "no network. Each picture says how it was made.");
    text->setWordWrap(true);
    layout->addWidget(text);
    QStringList backEnds;
    for (const std::string& name : context.backEnds) backEnds << QString::fromStdString(name);
    layout->addWidget(makeLabel("Computes with: " + backEnds.join(", "), "second"));
    layout->addWidget(makeLabel("Qt " + QString(qVersion()) + ". Apache-2.0.", "second"));
    addClose(this, layout);
    setMinimumWidth(400);
}

} // namespace kinora::app
