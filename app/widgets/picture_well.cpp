#include "app/widgets/picture_well.h"

#include "app/widgets/theme.h"

#include <QClipboard>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMimeData>
#include <QPainter>
#include <QPainterPath>
#include <QUrl>

namespace kinora::app {
namespace {

constexpr int kSide = 72; // px

QString localFile(const QMimeData& data) {
    for (const QUrl& url : data.urls())
        if (url.isLocalFile() && QFileInfo(url.toLocalFile()).isFile()) return url.toLocalFile();
    return {};
}

} // namespace

PictureWell::PictureWell(const Theme& theme, QWidget* parent)
    : QAbstractButton(parent), m_theme(theme) {
    setAcceptDrops(true);
    setFocusPolicy(Qt::StrongFocus);
    setCursor(Qt::PointingHandCursor);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    connect(this, &QAbstractButton::clicked, this, &PictureWell::chooseWanted);
    connect(&theme, &Theme::changed, this, qOverload<>(&QWidget::update));
}

QSize PictureWell::sizeHint() const {
    return {kSide, kSide};
}

void PictureWell::setPicture(const QImage& picture) {
    m_picture = picture;
    m_broken = false;
    update();
}

void PictureWell::setBroken(bool broken) {
    m_broken = broken;
    if (broken) m_picture = {};
    update();
}

bool PictureWell::event(QEvent* event) {
    if (event->type() == QEvent::ShortcutOverride &&
        static_cast<QKeyEvent*>(event)->matches(QKeySequence::Paste)) {
        event->accept(); // the window's own paste reads parameters
        return true;
    }
    return QAbstractButton::event(event);
}

void PictureWell::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (event->matches(QKeySequence::Paste)) {
        if (const QMimeData* data = QGuiApplication::clipboard()->mimeData()) take(*data);
    } else if (enter && event->modifiers() == Qt::NoModifier) {
        emit chooseWanted();
    } else {
        QAbstractButton::keyPressEvent(event);
    }
}

bool PictureWell::take(const QMimeData& data) {
    if (const QString file = localFile(data); !file.isEmpty()) {
        emit fileGiven(file);
        return true;
    }
    const QImage picture = qvariant_cast<QImage>(data.imageData());
    if (picture.isNull()) return false;
    emit pictureGiven(picture);
    return true;
}

void PictureWell::dragEnterEvent(QDragEnterEvent* event) {
    const QMimeData& data = *event->mimeData();
    if (localFile(data).isEmpty() && !data.hasImage()) return;
    event->setDropAction(Qt::CopyAction);
    event->accept();
    m_underDrag = true;
    update();
}

void PictureWell::dragLeaveEvent(QDragLeaveEvent*) {
    m_underDrag = false;
    update();
}

void PictureWell::dropEvent(QDropEvent* event) {
    m_underDrag = false;
    update();
    if (!take(*event->mimeData())) return;
    event->setDropAction(Qt::CopyAction);
    event->accept();
}

void PictureWell::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setRenderHint(QPainter::SmoothPixmapTransform);
    const double radius = m_theme.measure("radius");
    const QRectF frame = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
    QPainterPath shape;
    shape.addRoundedRect(frame, radius, radius);
    const QString ground = !m_picture.isNull()           ? "canvas"
                           : underMouse() || m_underDrag ? "raised"
                                                         : "field";
    painter.fillPath(shape, m_theme.color(ground));
    if (!m_picture.isNull()) {
        QSizeF size = m_picture.size();
        size.scale(frame.size(), Qt::KeepAspectRatio);
        QRectF room({}, size);
        room.moveCenter(frame.center());
        painter.save();
        painter.setClipPath(shape);
        painter.drawImage(room, m_picture);
        painter.restore();
    } else {
        const int side = m_theme.measure("icon");
        const QRect room(width() / 2 - side / 2, height() / 2 - side / 2, side, side);
        m_theme.icon(m_broken ? "warning" : "picture", m_broken ? "warning" : "secondText")
            .paint(&painter, room);
    }
    const bool marked = hasFocus() || m_underDrag;
    QPen pen(m_theme.color(marked ? "focus" : m_broken ? "warning" : "secondText"));
    if (m_picture.isNull() && !marked) pen.setStyle(Qt::DashLine);
    if (!m_picture.isNull() && !marked) pen.setColor(m_theme.color("line"));
    painter.setPen(pen);
    painter.drawPath(shape);
}

} // namespace kinora::app
