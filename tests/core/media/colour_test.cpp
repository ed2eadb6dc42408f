#include "core/media/colour.h"

#include <QTest>

#include <cmath>
#include <limits>

using namespace kinora::core;

class ColourTest : public QObject {
    Q_OBJECT

  private slots:
    void roundsToBytes() {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        const Image image{2, 1, 3, {0.0F, 1.0F, 0.5F, -3.0F, 7.0F, nan}};
        QCOMPARE(toBytes(image), (std::vector<uint8_t>{0, 255, 128, 0, 255, 0}));
    }

    void followsTheStandardsCurve() {
        // IEC 61966-2-1, at its joint and at well-known points.
        QVERIFY(std::abs(srgbToLinear(0.5F) - 0.21404F) < 1e-5F);
        QVERIFY(std::abs(srgbToLinear(0.04045F) - 0.0031308F) < 1e-6F);
        QVERIFY(std::abs(linearToSrgb(0.18F) - 0.46136F) < 1e-4F);
        for (int level = 0; level < 256; ++level) {
            const float value = static_cast<float>(level) / 255;
            QVERIFY(std::abs(linearToSrgb(srgbToLinear(value)) - value) < 1e-5F);
        }
    }

    void laysPicturesOnWhite() {
        const Image flat = overWhite({1, 2, 4, {0, 0.5F, 1, 0, 0, 0.5F, 1, 0.5F}});
        QCOMPARE(flat.channels, 3);
        QCOMPARE(flat.pixels, (std::vector<float>{1, 1, 1, 0.5F, 0.75F, 1}));
    }

    void comesBackFromLinearLight() {
        Image image{1, 2, 4, {0.2F, 0.5F, 0.9F, 0.25F, 1, 1, 1, 0}};
        toLinearPremultiplied(image);
        QVERIFY(std::abs(image.pixels[1] - 0.21404F / 4) < 1e-5F);
        QCOMPARE(image.pixels[4], 0.0F);
        fromLinear(image, Alpha::Premultiplied);
        QVERIFY(std::abs(image.pixels[0] - 0.2F) < 1e-5F);
        QVERIFY(std::abs(image.pixels[2] - 0.9F) < 1e-5F);
        QCOMPARE(image.pixels[3], 0.25F);
        Image wild{1, 1, 3, {-1.0F, 50.0F, std::numeric_limits<float>::quiet_NaN()}};
        fromLinear(wild, Alpha::Straight);
        QCOMPARE(wild.pixels[0], 0.0F);
        QVERIFY(std::abs(wild.pixels[1] - 1) < 1e-6F);
        QCOMPARE(wild.pixels[2], 0.0F);
    }
};

QTEST_GUILESS_MAIN(ColourTest)
#include "colour_test.moc"
