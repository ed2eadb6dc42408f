#pragma once
// What runs and what waits: one row each, the running one with its progress, a failed one with the
// reason and what mends it.

#include <QWidget>

#include <map>

class QLabel;
class QPushButton;
class QScrollArea;
class QToolButton;
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
    QSize sizeHint() const override;

  signals:
    void stopAfterThisWanted();
    void cancelWanted(int number);
    void editWanted(int number); // put the job's settings into the compose panel

  private:
    void addRow(int number);
    void updateRow(int number);
    void removeRow(int number);
    void refreshSummary();
    void showFailureWhole();

    const Theme& m_theme;
    JobController& m_jobs;
    QString m_idleText;
    ElidedLabel* m_summary; // never asks for more room than the window has
    QLabel* m_timeLeft;
    QPushButton* m_stop;
    QWidget* m_rows;
    QVBoxLayout* m_rowsLayout;
    QScrollArea* m_scroll;
    QLabel* m_hidden; // "and 12 more waiting"
    std::map<int, JobRow*> m_rowOf;
};

} // namespace kinora::app
