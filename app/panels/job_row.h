#pragma once
// One job in the queue.

#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;
class QToolButton;

namespace kinora::app {

class ElidedLabel;
class Theme;
struct Job;

class JobRow : public QWidget {
    Q_OBJECT
  public:
    explicit JobRow(const Theme& theme, QWidget* parent = nullptr);
    // last: nothing follows the picture at work.
    void showJob(const Job& job, bool last = false);

  signals:
    void cancelWanted();
    void dismissWanted();
    void retryWanted();
    void editWanted();

  private:
    void showFailure(const Job& job);

    const Theme& m_theme;
    QLabel* m_icon;
    QProgressBar* m_progress;
    QLabel* m_state;
    ElidedLabel* m_title;
    QLabel* m_detail;
    QToolButton* m_close;
    QLabel* m_problem;
    QWidget* m_mend;
    bool m_failed = false;
};

// "14/24 · 0.08 s a step", "Loading the denoiser, 40 %", "3 pictures"
QString jobDetail(const Job& job, bool last);

} // namespace kinora::app
