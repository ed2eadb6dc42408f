#pragma once
// Work that goes on while the window is hidden: an icon in the system tray, where there is one,
// says how far it is and brings the window back. Tells when all is done. UI thread only.

#include <QObject>
#include <QTimer>

#include <memory>

class QMenu;
class QSystemTrayIcon;

namespace kinora::app {

class JobController;
class Theme;

class BackgroundRun : public QObject {
    Q_OBJECT
  public:
    BackgroundRun(const Theme& theme, JobController& jobs, QObject* parent = nullptr);
    ~BackgroundRun() override;
    static bool hasTray();

    void begin();
    void end();
    bool runs() const { return m_runs; }
    // For the tray and for tests; nullptr before it began.
    QMenu* menu() const { return m_menu.get(); }

  signals:
    void windowWanted();
    void stopWanted();
    void workDone(); // nothing runs, and nothing that waits could

  private:
    void makeIcon();
    void refresh();

    const Theme& m_theme;
    JobController& m_jobs;
    bool m_runs = false;
    QTimer m_settled;              // between two jobs there may be none for a moment
    std::unique_ptr<QMenu> m_menu; // belongs to no widget: the window is hidden
    std::unique_ptr<QSystemTrayIcon> m_icon;
};

} // namespace kinora::app
