#include "core/media/picture_difference.h"

#include <QTest>

#include <cmath>

using namespace kinora::core;

namespace {

Image gray(int channels, float value) {
    Image image{4, 4, channels, {}};
    image.pixels.assign(static_cast<size_t>(16 * channels), value);
    return image;
}

} // namespace

class PictureDifferenceTest : public QObject {
    Q_OBJECT

  private slots:
    void equalPicturesAreInfinitelyClose() {
        QVERIFY(std::isinf(peakSignalToNoise(gray(3, 0.5F), gray(3, 0.5F))));
    }

    void followsTheFormula() {
        // One step of 255 everywhere: 10 log10(255^2 / 1) = 48.13 dB.
        const double decibels = peakSignalToNoise(gray(3, 100.0F / 255), gray(3, 101.0F / 255));
        QVERIFY2(std::abs(decibels - 48.1308) < 1e-3, qPrintable(QString::number(decibels)));
    }

    void colourUnderFullTransparencyDoesNotCount() {
        Image a = gray(4, 0.2F), b = gray(4, 0.9F);
        for (size_t pixel = 0; pixel < 16; ++pixel)
            a.pixels[pixel * 4 + 3] = b.pixels[pixel * 4 + 3] = 0;
        QVERIFY(std::isinf(peakSignalToNoise(a, b)));
        for (size_t pixel = 0; pixel < 16; ++pixel)
            a.pixels[pixel * 4 + 3] = b.pixels[pixel * 4 + 3] = 1;
        QVERIFY(peakSignalToNoise(a, b) < 10);
    }

    void otherSizesAreNotClose() {
        QCOMPARE(peakSignalToNoise(gray(3, 0.5F), gray(4, 0.5F)), 0.0);
        Image wide = gray(3, 0.5F);
        wide.width = 8;
        QCOMPARE(peakSignalToNoise(gray(3, 0.5F), wide), 0.0);
    }
};

QTEST_GUILESS_MAIN(PictureDifferenceTest)
#include "picture_difference_test.moc"
