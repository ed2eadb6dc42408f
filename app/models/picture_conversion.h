#pragma once
// Between core's pictures and Qt's. Any thread.

#include "core/media/image.h"

#include <QImage>

namespace kinora::app {

// 8 bits a channel; straight alpha stays straight. A null image for one without pixels.
QImage toQImage(const core::Image& image);
// Fits into a square of `side` device pixels; smaller pictures grow to it.
QImage thumbnailOf(const QImage& image, int side);

} // namespace kinora::app
