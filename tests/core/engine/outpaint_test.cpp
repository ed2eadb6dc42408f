#include "core/engine/outpaint.h"
#include "kernels/base/error.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;

namespace {

// Each pixel says where it is.
Image picture(int width, int height, int channels = 3) {
    Image image{width, height, channels, {}};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < channels; ++c)
                image.pixels.push_back(static_cast<float>(100 * y + x) / 10000);
    return image;
}

float at(const Image& image, int x, int y) {
    return image.pixels[static_cast<size_t>((y * image.width + x) * image.channels)];
}

} // namespace

class OutpaintTest : public QObject {
    Q_OBJECT

  private slots:
    void keepsThePictureAndContinuesItsEdges() {
        const Image own = picture(40, 24, 4);
        const OutpaintCanvas canvas = outpaintCanvas(own, {}, {16, 8, 0, 3});
        QCOMPARE(canvas.picture.width, 56);
        QCOMPARE(canvas.picture.height, 40); // 35, and what is missing to a multiple of 8
        QCOMPARE(canvas.picture.channels, 4);
        for (int y = 0; y < 24; ++y)
            for (int x = 0; x < 40; ++x) QCOMPARE(at(canvas.picture, x + 16, y + 8), at(own, x, y));
        QCOMPARE(at(canvas.picture, 0, 0), at(own, 0, 0));
        QCOMPARE(at(canvas.picture, 55, 39), at(own, 39, 23));
        QCOMPARE(at(canvas.picture, 3, 20), at(own, 0, 12));
    }

    void makesTheMarginsAnewAndALittleOfThePicture() {
        const OutpaintCanvas canvas = outpaintCanvas(picture(64, 64), {}, {16, 0, 0, 0});
        QCOMPARE(canvas.mask.channels, 1);
        QCOMPARE(canvas.mask.width, 80);
        for (int x = 0; x < 16; ++x) QCOMPARE(at(canvas.mask, x, 30), 1.0F);
        for (int x = 1; x < 80; ++x) QVERIFY(at(canvas.mask, x, 30) <= at(canvas.mask, x - 1, 30));
        QVERIFY(at(canvas.mask, 16 + 8, 30) >= 0.5F); // one latent
        QVERIFY(at(canvas.mask, 16 + 9, 30) < 0.5F);
        QCOMPARE(at(canvas.mask, 79, 30), 0.0F); // no margin there
        QCOMPARE(at(canvas.mask, 60, 0), 0.0F);
    }

    void keepsAMaskOfOnesOwn() {
        Image mask{64, 64, 1, std::vector<float>(64 * 64, 0.0F)};
        mask.pixels[40 * 64 + 50] = 1;
        const OutpaintCanvas canvas = outpaintCanvas(picture(64, 64), mask, {0, 8, 0, 0});
        QCOMPARE(at(canvas.mask, 50, 48), 1.0F);
        QCOMPARE(at(canvas.mask, 51, 48), 0.0F);
    }

    void refusesWhatNobodyCanMake() {
        try {
            outpaintCanvas(picture(8190, 8), {}, {16, 0, 0, 0});
            QFAIL("accepted");
        } catch (const Error& error) {
            QCOMPARE(error.code(), ErrorCode::InvalidArgument);
        }
    }
};

QTEST_GUILESS_MAIN(OutpaintTest)
#include "outpaint_test.moc"
