#pragma once
// One line that ends in an ellipsis where the room does; the whole text is its tooltip.

#include <QWidget>

namespace kinora::app {

class ElidedLabel : public QWidget {
    Q_OBJECT
  public:
    explicit ElidedLabel(const QString& text = {}, QWidget* parent = nullptr);

    void setText(const QString& text);
    QString text() const { return m_text; }
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

  protected:
    void paintEvent(QPaintEvent* event) override;

  private:
    QString m_text;
};

} // namespace kinora::app
