#include "app/panels/gallery_delegate.h"

#include "app/models/gallery_model.h"
#include "app/widgets/theme.h"

#include <QPainter>
#include <QPainterPath>

#include <cmath>

namespace kinora::app {

constexpr int kRing = 2;

GalleryDelegate::GalleryDelegate(const Theme& theme, QObject* parent)
    : QStyledItemDelegate(parent), m_theme(theme) {}

QSize GalleryDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const {
    const int side = m_theme.measure("tile") + 2 * m_theme.measure("gap");
    return {side, side};
}

void GalleryDelegate::paintPicture(QPainter* painter, const QRectF& tile,
                                   const QImage& image) const {
    if (image.isNull()) return;
    if (image.hasAlphaChannel()) {
        const int side = m_theme.measure("checker");
        for (int y = 0; y * side < tile.height(); ++y)
            for (int x = 0; x * side < tile.width(); ++x)
                painter->fillRect(QRectF(tile.x() + x * side, tile.y() + y * side, side, side),
                                  m_theme.color((x + y) % 2 == 0 ? "checkerB" : "checkerA"));
    }
    const QSizeF fitted = QSizeF(image.size()).scaled(tile.size(), Qt::KeepAspectRatio);
    const QRectF target(tile.center() - QPointF(fitted.width(), fitted.height()) / 2, fitted);
    painter->drawImage(target, image);
}

void GalleryDelegate::paintProgress(QPainter* painter, const QRectF& tile, double progress) const {
    const int gap = m_theme.measure("gap");
    const QRectF band(tile.left(), tile.bottom() - 22, tile.width(), 22);
    painter->fillRect(band, m_theme.color("shade"));
    painter->setPen(m_theme.color("onShade"));
    QFont font = painter->font();
    font.setPixelSize(m_theme.measure("textSmall"));
    painter->setFont(font);
    painter->drawText(band.adjusted(2 * gap, 0, -2 * gap, -gap), Qt::AlignRight | Qt::AlignVCenter,
                      QString("%1 %").arg(static_cast<int>(std::floor(progress * 100))));
    const QRectF bar(tile.left(), tile.bottom() - gap, tile.width() * progress, gap);
    painter->fillRect(bar, m_theme.color("accent"));
}

void GalleryDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                            const QModelIndex& index) const {
    painter->save();
    painter->setRenderHints(QPainter::Antialiasing | QPainter::SmoothPixmapTransform);
    const int gap = m_theme.measure("gap");
    const QRectF tile = QRectF(option.rect).adjusted(gap, gap, -gap, -gap);
    QPainterPath outline;
    outline.addRoundedRect(tile, gap, gap);
    painter->save();
    painter->setClipPath(outline);
    painter->fillRect(tile, m_theme.color("canvas"));
    paintPicture(painter, tile, index.data(GalleryModel::ThumbnailRole).value<QImage>());
    if (!index.data(GalleryModel::DoneRole).toBool())
        paintProgress(painter, tile, index.data(GalleryModel::ProgressRole).toDouble());
    painter->restore();
    const bool chosen = option.state & QStyle::State_Selected;
    const bool hovered = option.state & QStyle::State_MouseOver;
    if (chosen || hovered) {
        const bool focused =
            option.state & QStyle::State_Active && option.state & QStyle::State_HasFocus;
        const QString ring = !chosen ? "line" : focused ? "focus" : "text";
        painter->setBrush(Qt::NoBrush);
        painter->setPen(QPen(m_theme.color(ring), kRing));
        painter->drawRoundedRect(tile.adjusted(-1, -1, 1, 1), gap + 1, gap + 1);
    }
    painter->restore();
}

} // namespace kinora::app
