// Golden numbers: tests/golden/generate_resize.py, Pillow.

#include "core/media/resize_image.h"
#include "tests/support/golden_file.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <string>

using namespace kinora;
using namespace kinora::core;

namespace {

Image golden(const std::string& name) {
    static const test::GoldenFile file("resize.safetensors");
    const auto shape = file.shape(name);
    return {static_cast<int>(shape[1]), static_cast<int>(shape[0]), static_cast<int>(shape[2]),
            file.floats(name)};
}

} // namespace

class ResizeImageTest : public QObject {
    Q_OBJECT

  private slots:
    void isPillowsButForItsRounding_data() {
        QTest::addColumn<QString>("mode");
        QTest::addColumn<QString>("size");
        for (const char* mode : {"RGB", "RGBA"})
            for (const char* size : {"smaller", "larger", "wider", "lower", "one"})
                QTest::addRow("%s %s", mode, size) << QString(mode) << QString(size);
    }
    void isPillowsButForItsRounding() {
        QFETCH(QString, mode);
        QFETCH(QString, size);
        const Image expected = golden((mode + "." + size).toStdString());
        const Image found =
            resizeImage(golden(mode.toStdString()), expected.width, expected.height);
        QCOMPARE(found.pixels.size(), expected.pixels.size());
        for (size_t i = 0; i < found.pixels.size(); ++i) {
            // Pillow rounds to 8 bits after each pass, and colour before and after its alpha.
            const bool color = found.channels == 4 && i % 4 != 3;
            const float alpha = color ? expected.pixels[i / 4 * 4 + 3] : 1;
            if (alpha == 0) continue;
            const float off = std::abs(found.pixels[i] - expected.pixels[i]);
            QVERIFY2(off <= 2.5F / 255 / alpha,
                     qPrintable(QString("value %1 is off by %2 of 255").arg(i).arg(255 * off)));
        }
    }

    void isPillowsToTheBitInBytes_data() { isPillowsButForItsRounding_data(); }
    void isPillowsToTheBitInBytes() {
        QFETCH(QString, mode);
        QFETCH(QString, size);
        const Image expected = golden((mode + "." + size).toStdString());
        const Image found = resizeImage(golden(mode.toStdString()), expected.width, expected.height,
                                        ResizeFilter::Lanczos8Bit);
        QCOMPARE(found.pixels, expected.pixels);
    }

    void keepsAPictureOfThatSize() {
        const Image image = golden("RGBA");
        QVERIFY(resizeImage(image, image.width, image.height).pixels == image.pixels);
    }
};

QTEST_GUILESS_MAIN(ResizeImageTest)
#include "resize_image_test.moc"
