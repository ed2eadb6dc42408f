#pragma once
// A quiet sentence with what can be done about it as a link below. Hidden while there is nothing
// to say.

#include <QWidget>

#include <functional>

class QLabel;
class QPushButton;

namespace kinora::app {

class Theme;

class HintLine : public QWidget {
    Q_OBJECT
  public:
    explicit HintLine(const Theme& theme, QWidget* parent = nullptr);

    // An empty text hides it; an empty actionText leaves out the link.
    void say(const QString& text, const QString& actionText = {},
             std::function<void()> action = {});
    QString text() const; // empty while hidden

  protected:
    void resizeEvent(QResizeEvent* event) override;

  private:
    void elide();

    QLabel* m_text;
    QPushButton* m_link;
    QString m_actionText;
    std::function<void()> m_action;
};

} // namespace kinora::app
