#pragma once
// One sentence in the place that it is about, with the action that mends it as a button. Hidden
// while there is nothing to say.

#include <QFrame>

#include <functional>

class QLabel;
class QPushButton;
class QToolButton;

namespace kinora::app {

class Theme;

enum class NoticeTone { Info, Warning, Error };

class NoticeBar : public QFrame {
    Q_OBJECT
  public:
    // Horizontal: the action beside the text, where there is room; vertical: below it.
    explicit NoticeBar(const Theme& theme, Qt::Orientation orientation = Qt::Vertical,
                       QWidget* parent = nullptr);

    void showNotice(NoticeTone tone, const QString& text);
    void showNotice(NoticeTone tone, const QString& text, const QString& actionText,
                    std::function<void()> action);
    QString text() const;

  public slots:
    void dismiss();

  private:
    const Theme& m_theme;
    QLabel* m_icon;
    QLabel* m_text;
    QPushButton* m_action;
    QToolButton* m_close;
    std::function<void()> m_onAction;
};

} // namespace kinora::app
