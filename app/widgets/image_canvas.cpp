#include "app/widgets/image_canvas.h"

#include "app/widgets/theme.h"

#include <QApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

namespace kinora::app {

constexpr double kSmallestZoom = 0.02;
constexpr double kLargestZoom = 64;
constexpr int kFocusRing = 2;
constexpr double kPixelsVisibleFrom = 8; // from here on each pixel is a square, not a blur

ImageCanvas::ImageCanvas(const Theme& theme, QWidget* parent) : QWidget(parent), m_theme(theme) {
    setFocusPolicy(Qt::StrongFocus);
    setMinimumSize(160, 120);
    setAccessibleName("Picture");
    connect(&theme, &Theme::changed, this, qOverload<>(&QWidget::update));
}

void ImageCanvas::setEmptyText(const QString& title, const QString& text) {
    m_emptyTitle = title;
    m_emptyText = text;
    if (isEmpty()) setAccessibleDescription(title + ". " + text);
    update();
}

void ImageCanvas::setPicture(const QImage& image, const QSize& size) {
    const bool sameArea = size == m_size && !m_image.isNull();
    m_image = image;
    m_pixmap = QPixmap::fromImage(image);
    m_size = size;
    if (!sameArea) { // another size starts whole in the window
        m_fit = true;
        m_center = QPointF(size.width() / 2.0, size.height() / 2.0);
        updateFit();
    }
    setAccessibleDescription(isEmpty()
                                 ? m_emptyTitle + ". " + m_emptyText
                                 : QString("%1 by %2 pixels").arg(size.width()).arg(size.height()));
    update();
}

QRectF ImageCanvas::pictureRect() const {
    const double scale = m_zoom / devicePixelRatioF();
    const QPointF middle(width() / 2.0, height() / 2.0);
    return {middle - m_center * scale, QSizeF(m_size) * scale};
}

void ImageCanvas::updateFit() {
    if (!m_fit || m_size.isEmpty()) return;
    const double margin = 2 * m_theme.measure("group");
    const double ratio = devicePixelRatioF();
    const double wide = (width() - margin) * ratio / m_size.width();
    const double high = (height() - margin) * ratio / m_size.height();
    m_zoom = std::clamp(std::min(wide, high), kSmallestZoom, kLargestZoom);
    m_center = QPointF(m_size.width() / 2.0, m_size.height() / 2.0);
    emit zoomChanged();
    update();
}

void ImageCanvas::zoomToFit() {
    m_fit = true;
    updateFit();
}

void ImageCanvas::zoomToActual() {
    setZoom(1, QPointF(width() / 2.0, height() / 2.0));
}

void ImageCanvas::zoomBy(double factor, const QPointF& at) {
    setZoom(m_zoom * factor, at);
}

void ImageCanvas::setZoom(double zoom, const QPointF& at) {
    if (isEmpty()) return;
    zoom = std::clamp(zoom, kSmallestZoom, kLargestZoom);
    const double ratio = devicePixelRatioF();
    const QPointF fromMiddle = at - QPointF(width() / 2.0, height() / 2.0);
    // The point of the picture under `at` stays there.
    m_center += fromMiddle * ratio / m_zoom - fromMiddle * ratio / zoom;
    m_zoom = zoom;
    m_fit = false;
    keepInSight();
    emit zoomChanged();
    update();
}

void ImageCanvas::keepInSight() {
    m_center.setX(std::clamp(m_center.x(), 0.0, double(m_size.width())));
    m_center.setY(std::clamp(m_center.y(), 0.0, double(m_size.height())));
}

void ImageCanvas::paintChecker(QPainter& painter, const QRectF& rect) {
    const QRectF seen = rect.intersected(QRectF(this->rect()));
    const int side = m_theme.measure("checker");
    QPixmap tile(2 * side, 2 * side);
    tile.fill(m_theme.color("checkerA"));
    QPainter tilePainter(&tile);
    tilePainter.fillRect(0, 0, side, side, m_theme.color("checkerB"));
    tilePainter.fillRect(side, side, side, side, m_theme.color("checkerB"));
    tilePainter.end();
    painter.drawTiledPixmap(seen, tile, seen.topLeft() - rect.topLeft());
}

void ImageCanvas::paintEmpty(QPainter& painter) {
    const int gap = m_theme.measure("margin");
    QFont title = font();
    title.setPixelSize(m_theme.measure("textTitle"));
    QFont text = font();
    text.setPixelSize(m_theme.measure("text"));
    const QRect room = rect().adjusted(24, 0, -24, 0);
    const int icon = 32;
    const int titleHeight = QFontMetrics(title).height();
    const QRect textBounds =
        QFontMetrics(text).boundingRect(room, Qt::AlignHCenter | Qt::TextWordWrap, m_emptyText);
    int y = (height() - icon - titleHeight - textBounds.height() - 3 * gap) / 2;
    m_theme.icon("picture", "secondText").paint(&painter, (width() - icon) / 2, y, icon, icon);
    y += icon + 2 * gap;
    painter.setPen(m_theme.color("text"));
    painter.setFont(title);
    painter.drawText(QRect(room.left(), y, room.width(), titleHeight),
                     Qt::AlignHCenter | Qt::TextSingleLine, m_emptyTitle);
    y += titleHeight + gap;
    painter.setPen(m_theme.color("secondText"));
    painter.setFont(text);
    painter.drawText(QRect(room.left(), y, room.width(), textBounds.height()),
                     Qt::AlignHCenter | Qt::TextWordWrap, m_emptyText);
}

void ImageCanvas::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.fillRect(rect(), m_theme.color("canvas"));
    if (isEmpty())
        paintEmpty(painter);
    else
        paintPicture(painter);
    if (m_showsFocus) {
        painter.setRenderHint(QPainter::Antialiasing); // so that it lies on whole pixels
        painter.setBrush(Qt::NoBrush);
        painter.setPen(
            QPen(m_theme.color("focus"), kFocusRing, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        const double inset = kFocusRing / 2.0;
        painter.drawRect(QRectF(rect()).adjusted(inset, inset, -inset, -inset));
    }
}

void ImageCanvas::paintPicture(QPainter& painter) {
    QRectF target = pictureRect();
    // On whole device pixels, so that 100 % is sharp.
    const double ratio = devicePixelRatioF();
    target.moveTopLeft(
        QPointF(std::round(target.x() * ratio) / ratio, std::round(target.y() * ratio) / ratio));
    if (m_image.hasAlphaChannel()) paintChecker(painter, target);
    const double perPixel = m_zoom * m_size.width() / m_image.width();
    const bool preview = m_image.size() != m_size;
    painter.setRenderHint(QPainter::SmoothPixmapTransform,
                          preview || m_fit || perPixel < kPixelsVisibleFrom);
    painter.drawPixmap(target, m_pixmap, QRectF(m_pixmap.rect()));
}

void ImageCanvas::resizeEvent(QResizeEvent*) {
    updateFit();
}

void ImageCanvas::wheelEvent(QWheelEvent* event) {
    // 120 is one notch; touchpads send less at a time.
    zoomBy(std::pow(1.25, event->angleDelta().y() / 120.0), event->position());
    event->accept();
}

void ImageCanvas::showCursor() {
    if (m_panning)
        setCursor(Qt::ClosedHandCursor);
    else if (m_spaceHeld)
        setCursor(Qt::OpenHandCursor);
    else
        unsetCursor();
}

void ImageCanvas::mousePressEvent(QMouseEvent* event) {
    m_lastPosition = event->position();
    m_panning =
        event->button() == Qt::MiddleButton || (event->button() == Qt::LeftButton && m_spaceHeld);
    m_mayDragOut = !m_panning && event->button() == Qt::LeftButton &&
                   pictureRect().contains(event->position());
    showCursor();
}

void ImageCanvas::mouseMoveEvent(QMouseEvent* event) {
    const QPointF moved = event->position() - m_lastPosition;
    if (m_panning) {
        m_center -= moved * devicePixelRatioF() / m_zoom;
        m_fit = false;
        m_lastPosition = event->position();
        keepInSight();
        emit zoomChanged();
        update();
    } else if (m_mayDragOut && moved.manhattanLength() > QApplication::startDragDistance()) {
        m_mayDragOut = false;
        emit dragOutWanted();
    }
}

void ImageCanvas::mouseReleaseEvent(QMouseEvent*) {
    m_panning = false;
    m_mayDragOut = false;
    showCursor();
}

void ImageCanvas::mouseDoubleClickEvent(QMouseEvent* event) {
    if (event->button() != Qt::LeftButton || m_spaceHeld) return;
    if (m_fit)
        setZoom(1, event->position());
    else
        zoomToFit();
}

void ImageCanvas::keyPressEvent(QKeyEvent* event) {
    switch (event->key()) {
    case Qt::Key_Space:
        if (!event->isAutoRepeat()) m_spaceHeld = true;
        showCursor();
        return;
    case Qt::Key_Left:
    case Qt::Key_Up: emit stepWanted(-1); return;
    case Qt::Key_Right:
    case Qt::Key_Down: emit stepWanted(1); return;
    case Qt::Key_Plus: zoomBy(1.25, QPointF(width() / 2.0, height() / 2.0)); return;
    case Qt::Key_Minus: zoomBy(0.8, QPointF(width() / 2.0, height() / 2.0)); return;
    default: QWidget::keyPressEvent(event);
    }
}

void ImageCanvas::keyReleaseEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Space && !event->isAutoRepeat()) {
        m_spaceHeld = false;
        showCursor();
        return;
    }
    QWidget::keyReleaseEvent(event);
}

void ImageCanvas::focusInEvent(QFocusEvent* event) {
    const Qt::FocusReason reason = event->reason();
    m_showsFocus = reason == Qt::TabFocusReason || reason == Qt::BacktabFocusReason;
    QWidget::focusInEvent(event);
    update();
}

void ImageCanvas::focusOutEvent(QFocusEvent* event) {
    m_spaceHeld = false;
    m_showsFocus = false;
    update();
    showCursor();
    QWidget::focusOutEvent(event);
}

} // namespace kinora::app
