#include "app/models/job_controller.h"
#include "app/panels/compose_panel.h"
#include "app/panels/gallery_panel.h"
#include "app/panels/viewer_panel.h"
#include "app/widgets/image_canvas.h"
#include "app/widgets/theme.h"
#include "app/windows/companion_import.h"
#include "app/windows/help_dialogs.h"
#include "app/windows/main_window.h"
#include "app/windows/model_folder_import.h"
#include "app/windows/parameter_import.h"
#include "app/windows/picture_actions.h"

#include <QAction>
#include <QActionGroup>
#include <QDesktopServices>
#include <QDir>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QGuiApplication>
#include <QListView>
#include <QMenu>
#include <QMenuBar>
#include <QScreen>
#include <QStatusBar>
#include <QUrl>
#include <QWhatsThis>

namespace kinora::app {
namespace {

template <typename Receiver, typename Slot>
QAction* add(QMenu* menu, const QString& text, const QList<QKeySequence>& keys, Receiver* receiver,
             Slot slot) {
    QAction* action = menu->addAction(text);
    action->setShortcuts(keys);
    QObject::connect(action, &QAction::triggered, receiver, slot);
    return action;
}

} // namespace

void MainWindow::makeMenus() {
    makeFileMenu();
    makeEditMenu();
    makeMakeMenu();
    makeQueueMenu();
    makeViewMenu();
    makeHelpMenu();
    for (QAction* action : {m_pictureActions->useParameters, m_pictureActions->copy,
                            m_pictureActions->saveAs, m_fullScreen})
        m_viewer->addBarAction(action);
    QWidget* last = m_viewer->orderFocus(m_compose->lastInTabOrder());
    QWidget::setTabOrder(last, m_galleryPanel->view());
    refreshBusy();
}

void MainWindow::makeFileMenu() {
    QMenu* menu = menuBar()->addMenu("&File");
    add(menu, "&Read parameters from a picture\u2026", {QKeySequence("Ctrl+O")}, this,
        &MainWindow::openParameters);
    menu->addSeparator();
    menu->addAction(m_pictureActions->saveAs);
    menu->addAction(m_pictureActions->showInFolder);
    menu->addSeparator();
    menu->addMenu(m_folderImport->makeMenu(this));
    add(menu, "Open Kinora's o&wn models folder", {}, this, &MainWindow::openModelsFolder);
    menu->addSeparator();
    add(menu, "&Quit", {QKeySequence("Ctrl+Q")}, this, &QWidget::close);
}

void MainWindow::makeEditMenu() {
    QMenu* menu = menuBar()->addMenu("&Edit");
    QAction* undo = m_undoStack.createUndoAction(this, "&Undo");
    undo->setShortcuts({QKeySequence("Ctrl+Z")});
    QAction* redo = m_undoStack.createRedoAction(this, "&Redo");
    redo->setShortcuts({QKeySequence("Ctrl+Y"), QKeySequence("Ctrl+Shift+Z")});
    menu->addActions({undo, redo});
    menu->addSeparator();
    menu->addAction(m_pictureActions->copy);
    add(menu, "&Paste parameters", {QKeySequence("Ctrl+Shift+V"), QKeySequence("Ctrl+V")}, this,
        &MainWindow::paste);
    menu->addSeparator();
    menu->addAction(m_pictureActions->remove);
}

void MainWindow::makeMakeMenu() {
    QMenu* menu = menuBar()->addMenu("&Make");
    m_generate =
        add(menu, "&Generate",
            {QKeySequence(Qt::CTRL | Qt::Key_Return), QKeySequence(Qt::CTRL | Qt::Key_Enter)}, this,
            &MainWindow::generate);
    m_cancel = add(menu, "&Cancel", {QKeySequence(Qt::Key_Escape)}, this, &MainWindow::cancel);
    m_stop = add(menu, "&Stop after this one", {QKeySequence("Ctrl+.")}, this,
                 &MainWindow::stopAfterThisOne);
    menu->addSeparator();
    menu->addAction(m_pictureActions->useParameters);
    menu->addAction(m_pictureActions->useSeed);
    menu->addAction(m_pictureActions->followPicture);
    menu->addAction(m_pictureActions->lookAtPicture);
    menu->addSeparator();
    add(menu, "Go to the &prompt", {QKeySequence("Ctrl+L")}, this,
        [this] { m_compose->focusPrompt(); });
}

void MainWindow::makeViewMenu() {
    QMenu* menu = menuBar()->addMenu("&View");
    ImageCanvas* canvas = m_viewer->canvas();
    const auto middle = [canvas] { return QPointF(canvas->width() / 2.0, canvas->height() / 2.0); };
    add(menu, "&Fit", {QKeySequence("0")}, canvas, &ImageCanvas::zoomToFit);
    add(menu, "&100 %", {QKeySequence("1")}, canvas, &ImageCanvas::zoomToActual);
    add(menu, "Zoom &in", {QKeySequence("+"), QKeySequence("=")}, canvas,
        [=] { canvas->zoomBy(1.25, middle()); });
    add(menu, "Zoom &out", {QKeySequence("-")}, canvas, [=] { canvas->zoomBy(0.8, middle()); });
    m_fullScreen = new QAction(m_theme.icon("full-screen"), "F&ull screen", this);
    m_fullScreen->setCheckable(true);
    m_fullScreen->setShortcuts({QKeySequence("F"), QKeySequence("F11")});
    m_fullScreen->setToolTip("Full screen (F)");
    connect(m_fullScreen, &QAction::toggled, this, &MainWindow::setFullScreen);
    menu->addAction(m_fullScreen);
    addActions(menuBar()->actions()); // shortcuts work while the menu bar is hidden
    menu->addSeparator();
    add(menu, "&Newer picture", {QKeySequence("PgUp"), QKeySequence("Alt+Left")}, this,
        [this] { m_galleryPanel->step(-1); });
    add(menu, "&Older picture", {QKeySequence("PgDown"), QKeySequence("Alt+Right")}, this,
        [this] { m_galleryPanel->step(1); });
    menu->addSeparator();
    for (QDockWidget* dock : m_docks) menu->addAction(dock->toggleViewAction());
    menu->addSeparator();
    makeThemeMenu(menu);
}

void MainWindow::makeThemeMenu(QMenu* view) {
    QMenu* menu = view->addMenu("&Theme");
    auto* group = new QActionGroup(menu);
    const std::pair<const char*, ThemeChoice> choices[] = {{"As the &system", ThemeChoice::System},
                                                           {"&Dark", ThemeChoice::Dark},
                                                           {"&Light", ThemeChoice::Light}};
    for (const auto& [text, choice] : choices) {
        QAction* action = menu->addAction(text);
        action->setCheckable(true);
        action->setChecked(m_theme.choice() == choice);
        group->addAction(action);
        connect(action, &QAction::triggered, this, [this, choice = choice] {
            m_theme.setChoice(choice);
            m_settings.setTheme(choice);
        });
    }
}

void MainWindow::makeHelpMenu() {
    QMenu* menu = menuBar()->addMenu("&Help");
    add(menu, "&What is this?", {QKeySequence("F1")}, this,
        [] { QWhatsThis::enterWhatsThisMode(); });
    add(menu, "&Keyboard shortcuts", {QKeySequence("Ctrl+F1"), QKeySequence("?")}, this, [this] {
        ShortcutsDialog dialog(*menuBar(), m_theme, this);
        dialog.exec();
    });
    menu->addSeparator();
    add(menu, "&About Kinora", {}, this, [this] {
        AboutDialog dialog(m_context, m_theme, this);
        dialog.exec();
    });
}

void MainWindow::showContextMenu(const QPoint& global) {
    QMenu menu(this);
    menu.addAction(m_pictureActions->useParameters);
    menu.addAction(m_pictureActions->useSeed);
    menu.addAction(m_pictureActions->followPicture);
    menu.addAction(m_pictureActions->lookAtPicture);
    menu.addSeparator();
    menu.addAction(m_pictureActions->saveAs);
    menu.addAction(m_pictureActions->copy);
    menu.addAction(m_pictureActions->showInFolder);
    menu.addSeparator();
    menu.addAction(m_pictureActions->remove);
    menu.exec(global);
}

void MainWindow::openParameters() {
    const QString path = QFileDialog::getOpenFileName(
        this, "Read parameters from a picture",
        QString::fromStdString(m_context.outputFolder.string()),
        "Pictures (*.png *.jpg *.jpeg *.webp *.tiff *.tif *.avif);;All files (*)");
    if (!path.isEmpty()) m_import->readFile(path, QFileInfo(path).fileName());
}

void MainWindow::openCompanion() {
    const QString path = QFileDialog::getOpenFileName(
        this, "Use a file beside the model",
        QString::fromStdString((m_context.dataFolder / "models").string()),
        "Weights (*.safetensors *.pt *.pth *.ckpt *.bin);;All files (*)");
    if (!path.isEmpty()) m_companionImport->readFile(path);
}

void MainWindow::openModelsFolder() {
    const QString folder = QString::fromStdString((m_context.dataFolder / "models").string());
    QDir().mkpath(folder);
    const bool opened = QDesktopServices::openUrl(QUrl::fromLocalFile(folder));
    say((opened ? "Put a diffusers folder here" : "Put a diffusers folder into " + folder) +
        " and start Kinora again");
}

void MainWindow::setFullScreen(bool on) {
    if (on) {
        m_hiddenForFullScreen.clear();
        m_wasMaximized = isMaximized();
        QList<QWidget*> parts = {menuBar(), statusBar()};
        for (QDockWidget* dock : m_docks) parts << dock;
        for (QWidget* part : parts) {
            if (part->isHidden()) continue;
            part->hide();
            m_hiddenForFullScreen << part;
        }
        m_viewer->setBarVisible(false);
        showFullScreen();
        m_viewer->canvas()->setFocus();
    } else {
        for (QWidget* part : m_hiddenForFullScreen) part->show();
        m_hiddenForFullScreen.clear();
        m_viewer->setBarVisible(true);
        if (m_wasMaximized)
            showMaximized();
        else
            showNormal();
    }
    refreshBusy();
}

void MainWindow::restorePlace() {
    const QByteArray geometry = m_settings.geometry();
    if (geometry.isEmpty() || !restoreGeometry(geometry)) {
        const QScreen* screen = QGuiApplication::primaryScreen();
        const QSize room = screen != nullptr ? screen->availableSize() : QSize(1280, 800);
        resize(QSize(1360, 860).boundedTo(room));
    }
    const QByteArray layout = m_settings.layout();
    m_needsDefaultLayout = layout.isEmpty() || !restoreState(layout);
}

} // namespace kinora::app
