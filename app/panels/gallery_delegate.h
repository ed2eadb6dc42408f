#pragma once
// Draws one tile of the gallery: the picture over a checkerboard, a ring where it is chosen, its
// progress while it is being made, a mark where it could not be saved.

#include <QStyledItemDelegate>

namespace kinora::app {

class Theme;

class GalleryDelegate : public QStyledItemDelegate {
    Q_OBJECT
  public:
    explicit GalleryDelegate(const Theme& theme, QObject* parent = nullptr);

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

  private:
    void paintPicture(QPainter* painter, const QRectF& tile, const QImage& image) const;
    void paintProgress(QPainter* painter, const QRectF& tile, double progress) const;

    const Theme& m_theme;
};

} // namespace kinora::app
