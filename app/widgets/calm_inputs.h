#pragma once
// A combo box and a slider for panels that scroll: the wheel changes them only once they have the
// focus, so that scrolling past never changes a setting.

#include <QComboBox>
#include <QSlider>

#include <optional>

namespace kinora::app {

class Theme;

class ChoiceBox : public QComboBox {
    Q_OBJECT
  public:
    explicit ChoiceBox(const Theme& theme, QWidget* parent = nullptr);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;
    // While activated() comes from a key or the wheel that stepped through the closed list.
    bool isStepping() const { return m_stepping; }

  protected:
    void keyPressEvent(QKeyEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

  private:
    const Theme& m_theme;
    bool m_stepping = false;
};

// With a small mark under the groove where the default is.
class MarkedSlider : public QSlider {
    Q_OBJECT
  public:
    explicit MarkedSlider(const Theme& theme, QWidget* parent = nullptr);
    void setMark(std::optional<int> value);

  protected:
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

  private:
    const Theme& m_theme;
    std::optional<int> m_mark;
};

} // namespace kinora::app
