#pragma once
// The main window: puts panels, models and actions together and holds no logic of its own beyond
// that. Panels are docks, so that more can be added. UI thread only.

#include "app/program.h"
#include "app/windows/window_settings.h"
#include "core/queue/power_watch.h"

#include <QMainWindow>
#include <QThreadPool>
#include <QUndoStack>

#include <optional>

class QActionGroup;
class QDockWidget;
class QLabel;

namespace kinora::app {

class BackgroundRun;
class CompanionImport;
class ComposePanel;
class GalleryModel;
class GalleryPanel;
class GuidePictures;
class JobController;
class ModelFolderImport;
class ParameterImport;
class PictureActions;
class PictureStore;
class PlanWatcher;
class QueuePanel;
class RequestDocument;
class ResultCollector;
class SystemAppearance;
class Theme;
class ViewerPanel;

class MainWindow : public QMainWindow {
    Q_OBJECT
  public:
    MainWindow(Theme& theme, const ProgramContext& context);
    ~MainWindow() override;

    // Reads models and earlier pictures in the background, once the window is drawn.
    void start();

    RequestDocument& document() { return *m_document; }
    JobController& jobs() { return *m_jobs; }
    GalleryModel& gallery() { return *m_gallery; }
    ComposePanel& compose() { return *m_compose; }
    ViewerPanel& viewer() { return *m_viewer; }
    GalleryPanel& galleryPanel() { return *m_galleryPanel; }
    QueuePanel& queue() { return *m_queue; }
    PictureActions& pictureActions() { return *m_pictureActions; }
    BackgroundRun& background() { return *m_background; }

  public slots:
    void generate();
    void cancel();
    void stopAfterThisOne();
    // Asks nothing: what runs goes on at the next start.
    void endWithSession();

  signals:
    // The window is closed, and nothing runs any more that this process began.
    void left();

  protected:
    void showEvent(QShowEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

  private:
    void makeModels();
    void makePanels();
    QDockWidget* addDock(const QString& title, const QString& name, QWidget* panel,
                         Qt::DockWidgetArea area, bool withTitle);
    void connectParts();
    void connectResults();
    void makeMenus();
    void makeFileMenu();
    void makeEditMenu();
    void makeMakeMenu();
    void makeQueueMenu();
    void makeClosingMenu(QMenu* queue);
    void makeViewMenu();
    void makeThemeMenu(QMenu* view);
    void makeHelpMenu();
    void restorePlace();
    void loadModels();
    void loadCompanions();

    void showTile(int id);
    void refreshBusy();
    void jobEnded(qint64 number);
    void jobsGoOn(int count);
    void pauseOrGoOn();
    void cancelAllJobs();
    QString runByText() const;
    core::PowerWatch::Options powerOptions() const;
    void showContextMenu(const QPoint& global);
    void setFullScreen(bool on);
    void paste();
    void openParameters();
    void openModelsFolder();
    void openCompanion();
    void say(const QString& text);
    void connectClosing();
    void refreshClosingMenu();
    std::optional<WhenClosed> howToClose(); // nullopt: the window stays
    void comeBack();

    Theme& m_theme;
    ProgramContext m_context;
    WindowSettings m_settings;
    QUndoStack m_undoStack;
    QThreadPool m_pool; // finished before anything that its answers touch
    RequestDocument* m_document;
    JobController* m_jobs;
    GalleryModel* m_gallery;
    PictureStore* m_store;
    GuidePictures* m_guides;
    PlanWatcher* m_plans;
    ResultCollector* m_results;
    SystemAppearance* m_appearance;

    ComposePanel* m_compose;
    ViewerPanel* m_viewer;
    GalleryPanel* m_galleryPanel;
    QueuePanel* m_queue;
    ParameterImport* m_import;
    CompanionImport* m_companionImport;
    ModelFolderImport* m_folderImport;
    PictureActions* m_pictureActions;
    BackgroundRun* m_background;
    QList<QDockWidget*> m_docks;
    QLabel* m_runByLabel; // the other process that works through the queue
    QLabel* m_folderLabel;

    QAction* m_generate;
    QAction* m_cancel;
    QAction* m_stop;
    QAction* m_pauseQueue;
    QActionGroup* m_closingChoices;
    QAction* m_fullScreen;
    QList<QWidget*> m_hiddenForFullScreen;
    int m_modelLoads = 0, m_companionLoads = 0; // begun
    bool m_wasMaximized = false;
    bool m_needsDefaultLayout = false;
    bool m_sessionEnds = false;
    bool m_finishes = false; // it is closed, and ends with the picture at work
    bool m_follow = true;    // the viewer goes along with what is being made
};

} // namespace kinora::app
