#pragma once
// The label of a parameter: a dot says that the value is not the default, a double click goes back
// to it.

#include <QLabel>

namespace kinora::app {

class ParameterLabel : public QLabel {
    Q_OBJECT
  public:
    explicit ParameterLabel(const QString& text, QWidget* parent = nullptr);

    // help: one line for the tooltip. defaultText: empty where there is none.
    void setHelp(const QString& help, const QString& defaultText);
    void setChanged(bool changed);
    bool isChanged() const { return m_changed; }

  signals:
    void resetWanted();

  protected:
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    QSize sizeHint() const override;

  private:
    bool m_changed = false;
};

} // namespace kinora::app
