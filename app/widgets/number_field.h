#pragma once
// A number that is typed, stepped with the arrow keys, or dragged sideways with the mouse; Shift
// makes the drag fine. The wheel belongs to the panel around it until the field has the focus.

#include <QDoubleSpinBox>
#include <QPoint>

namespace kinora::app {

class NumberField : public QDoubleSpinBox {
    Q_OBJECT
  public:
    explicit NumberField(QWidget* parent = nullptr);

    // What a drag of one step's width (6 px) adds; Shift: a tenth of it, at least one decimal step.
    void setDragStep(double step) { m_dragStep = step; }
    // Values are multiples of this, sizes say; 0: any.
    void setMultiple(double multiple) { m_multiple = multiple; }

    QString textFromValue(double value) const override;

  signals:
    // At every change; who sets the value from elsewhere blocks the field's signals.
    void edited(double value);
    void dragFinished();

  protected:
    bool event(QEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void fixup(QString& input) const override;

  private:
    bool press(const QPoint& global);
    bool drag(const QPoint& global, bool fine);
    bool release();
    double rounded(double value) const;

    double m_dragStep = 1;
    double m_multiple = 0;
    bool m_pressed = false;
    bool m_dragging = false;
    QPoint m_lastGlobal;
    double m_dragValue = 0;
};

} // namespace kinora::app
