#pragma once
// The picture that is looked at, large, with its zoom and what can be done with it below.

#include <QWidget>

class QAction;
class QLabel;
class QToolButton;
class QHBoxLayout;

namespace kinora::app {

class ElidedLabel;
class ImageCanvas;
class NoticeBar;
class Theme;
struct GalleryItem;

class ViewerPanel : public QWidget {
    Q_OBJECT
  public:
    explicit ViewerPanel(const Theme& theme, QWidget* parent = nullptr);

    ImageCanvas* canvas() const { return m_canvas; }
    NoticeBar* notice() const { return m_notice; }
    // nullptr empties it.
    void showItem(const GalleryItem* item);
    // On the bar, at its right end; icons only.
    void addBarAction(QAction* action);
    void setBarVisible(bool visible);
    // Tab goes from `before` to the picture, then along the bar from left to right; returns the
    // last one. Once the bar is complete.
    QWidget* orderFocus(QWidget* before);

  private:
    void showZoom();

    const Theme& m_theme;
    ImageCanvas* m_canvas;
    NoticeBar* m_notice;
    QWidget* m_bar;
    QHBoxLayout* m_barLayout;
    QLabel* m_zoom;
    ElidedLabel* m_about;
};

} // namespace kinora::app
