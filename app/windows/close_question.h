#pragma once
// Asks what becomes of the work when the window is closed while pictures are being made.
//
//     const std::optional<CloseQuestion::Answer> answer = CloseQuestion::ask(theme, jobs, this);
//     if (!answer) stay();

#include "app/windows/window_settings.h"

#include <QDialog>

#include <optional>

class QCheckBox;
class QVBoxLayout;

namespace kinora::app {

class JobController;

class CloseQuestion : public QDialog {
    Q_OBJECT
  public:
    struct Answer {
        WhenClosed choice = WhenClosed::StopNow;
        bool remember = false;
    };
    // nullopt: the window stays. Where the work ends meanwhile the question has answered itself:
    // StopNow, which stops nothing then.
    static std::optional<Answer> ask(const Theme& theme, JobController& jobs, QWidget* parent);

    CloseQuestion(const Theme& theme, JobController& jobs, bool hasTray, QWidget* parent);
    Answer answer() const;

  private:
    void addChoice(QVBoxLayout* layout, WhenClosed choice, const QString& text,
                   const QString& meaning);

    const Theme& m_theme;
    WhenClosed m_choice = WhenClosed::StopNow;
    QCheckBox* m_remember;
};

} // namespace kinora::app
