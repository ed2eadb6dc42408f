#pragma once
// What runs and what waits: one row each, the running one with its progress, a failed one with the
// reason and what mends it, and what can be done with each in its context menu.

#include <QTimer>
#include <QWidget>

#include <map>

class QLabel;
class QMenu;
class QPushButton;
class QScrollArea;
class QVBoxLayout;

namespace kinora::app {

class ElidedLabel;
class JobController;
class JobRow;
class Theme;

class QueuePanel : public QWidget {
    Q_OBJECT
  public:
    QueuePanel(const Theme& theme, JobController& jobs, QWidget* parent = nullptr);

    // What the summary says while nothing runs: "Last picture took 1.8 s".
    void setIdleText(const QString& text);
    // What can be done with a job, as it is now.
    void fillMenu(QMenu& menu, qint64 number);
    QSize sizeHint() const override;

  signals:
    void stopAfterThisWanted();
    void pauseWanted(); // or to go on, or to try again: what the button says
    void cancelWanted(qint64 number);
    void cancelAllWanted();
    void editWanted(qint64 number); // put the job's settings into the compose panel

  private:
    void makeHeader(QVBoxLayout* layout);
    JobRow* makeRow(qint64 number);
    void syncRows();
    void updateRow(qint64 number);
    void refreshSummary();
    void refreshButtons();
    QString summary() const;
    void showFailureWhole();

    const Theme& m_theme;
    JobController& m_jobs;
    QString m_idleText;
    ElidedLabel* m_summary; // never asks for more room than the window has
    QLabel* m_timeLeft;
    QPushButton* m_stop;
    QPushButton* m_pause;
    QWidget* m_rows;
    QVBoxLayout* m_rowsLayout;
    QScrollArea* m_scroll;
    QLabel* m_hidden; // "and 12 more waiting"
    QTimer m_sync;    // many changes of the list are one
    std::map<qint64, JobRow*> m_rowOf;
};

} // namespace kinora::app
