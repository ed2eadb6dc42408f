#include "app/models/picture_conversion.h"

#include <cstring>

namespace kinora::app {

QImage toQImage(const core::Image& image) {
    const bool hasPixels =
        image.width > 0 && image.height > 0 && (image.channels == 3 || image.channels == 4) &&
        image.pixels.size() == static_cast<size_t>(image.width) * image.height * image.channels;
    if (!hasPixels) return {};
    const std::vector<uint8_t> bytes = core::toBytes(image);
    QImage result(image.width, image.height,
                  image.channels == 4 ? QImage::Format_RGBA8888 : QImage::Format_RGB888);
    const size_t row = static_cast<size_t>(image.width) * image.channels;
    for (int y = 0; y < image.height; ++y)
        std::memcpy(result.scanLine(y), bytes.data() + row * y, row);
    return result;
}

QImage thumbnailOf(const QImage& image, int side) {
    if (image.isNull()) return {};
    const QImage premultiplied = image.hasAlphaChannel()
                                     ? image.convertToFormat(QImage::Format_ARGB32_Premultiplied)
                                     : image.convertToFormat(QImage::Format_RGB32);
    return premultiplied.scaled(side, side, Qt::KeepAspectRatio, Qt::SmoothTransformation);
}

} // namespace kinora::app
