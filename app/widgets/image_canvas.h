#pragma once
// Shows one picture: wheel zooms at the pointer, Space or the middle button pans, a drag with the
// left button offers the picture to others. 100 % is one pixel of the picture on one pixel of the
// screen, whatever the screen's pixel ratio. UI thread only.

#include <QImage>
#include <QPixmap>
#include <QPointF>
#include <QWidget>

namespace kinora::app {

class Theme;

class ImageCanvas : public QWidget {
    Q_OBJECT
  public:
    explicit ImageCanvas(const Theme& theme, QWidget* parent = nullptr);

    // size: of the finished picture; a preview is smaller and is drawn over the same area, so that
    // nothing jumps when the picture is done. A null image empties the canvas.
    void setPicture(const QImage& image, const QSize& size);
    bool isEmpty() const { return m_image.isNull(); }
    QSize pictureSize() const { return m_size; }
    // Said in the middle while there is no picture.
    void setEmptyText(const QString& title, const QString& text);

    double zoom() const { return m_zoom; } // 1 is 100 %
    bool fits() const { return m_fit; }
    QRectF pictureRect() const; // in widget coordinates

  public slots:
    void zoomToFit();
    void zoomToActual();
    void zoomBy(double factor, const QPointF& at);

  signals:
    void zoomChanged();
    void dragOutWanted();
    void stepWanted(int offset); // the arrow keys

  protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void keyReleaseEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

  private:
    void setZoom(double zoom, const QPointF& at);
    void updateFit();
    void keepInSight();
    void showCursor();
    void paintEmpty(QPainter& painter);
    void paintPicture(QPainter& painter);
    void paintChecker(QPainter& painter, const QRectF& rect);

    const Theme& m_theme;
    QImage m_image;
    QPixmap m_pixmap;
    QSize m_size;
    QString m_emptyTitle;
    QString m_emptyText;
    double m_zoom = 1;
    bool m_fit = true;
    QPointF m_center; // of the view, in picture pixels
    bool m_spaceHeld = false;
    bool m_panning = false;
    bool m_mayDragOut = false;
    bool m_showsFocus = false; // reached by the keyboard: a ring says where the keys go
    QPointF m_lastPosition;
};

} // namespace kinora::app
