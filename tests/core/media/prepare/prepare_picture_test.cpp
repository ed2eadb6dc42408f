// Golden numbers: tests/golden/generate_preparations.py, OpenCV.

#include "core/media/prepare/prepare_picture.h"
#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"
#include "tests/support/golden_file.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <string>

using namespace kinora;
using namespace kinora::core;

namespace {

const test::GoldenFile& goldens() {
    static const test::GoldenFile file("preparations.safetensors");
    return file;
}

Image golden(const std::string& name) {
    const auto shape = goldens().shape(name);
    return {static_cast<int>(shape[1]), static_cast<int>(shape[0]), 3, goldens().floats(name)};
}

// Of an RGB picture whose channels are one: the first; else all of them.
std::vector<float> compared(const Image& picture, size_t values) {
    if (picture.pixels.size() == values) return picture.pixels;
    std::vector<float> first;
    for (size_t i = 0; i + 2 < picture.pixels.size(); i += 3) {
        if (picture.pixels[i] != picture.pixels[i + 1] ||
            picture.pixels[i] != picture.pixels[i + 2])
            return {};
        first.push_back(picture.pixels[i]);
    }
    return first;
}

} // namespace

class PreparePictureTest : public QObject {
    Q_OBJECT

  private slots:
    void isOpenCvs_data() {
        QTest::addColumn<QString>("picture");
        QTest::addColumn<QString>("preparation");
        QTest::addColumn<double>("tolerance");
        // Edges are the same to the pixel; the others' sums are added up in another order.
        for (const char* picture : {"a", "b"}) {
            QTest::addRow("%s canny", picture) << picture << "canny" << 0.0;
            QTest::addRow("%s scribble", picture) << picture << "scribble" << 0.0;
            QTest::addRow("%s blur", picture) << picture << "blur" << 1e-5;
            QTest::addRow("%s lineart", picture) << picture << "lineart" << 1e-4;
        }
    }
    void isOpenCvs() {
        QFETCH(QString, picture);
        QFETCH(QString, preparation);
        QFETCH(double, tolerance);
        const std::string name = (picture + "." + preparation).toStdString();
        const std::vector<float> expected = goldens().floats(name);
        const Image made = preparePicture(golden(picture.toStdString()), preparation.toStdString());
        const std::vector<float> found = compared(made, expected.size());
        QCOMPARE(found.size(), expected.size());
        size_t different = 0;
        for (size_t i = 0; i < found.size(); ++i)
            if (std::abs(found[i] - expected[i]) > tolerance) ++different;
        QCOMPARE(different, size_t{0});
        QVERIFY(std::ranges::any_of(expected, [](float value) { return value > 0; }));
    }

    void namesAreThoseOfTheParameters() {
        const auto names = preparationNames();
        for (const char* parameter : {"controlPrepare", "adapterPrepare"})
            QVERIFY(pipelines::findImageParameter(parameter)->choices == names);
        const Image picture = golden("b");
        for (const std::string_view name : names) {
            const Image made = preparePicture(picture, name);
            QCOMPARE(made.width, picture.width);
            QCOMPARE(made.height, picture.height);
            QCOMPARE(made.pixels.size(), picture.pixels.size());
            QVERIFY((made.pixels == picture.pixels) == (name == "none"));
        }
        QVERIFY_EXCEPTION_THROWN(preparePicture(picture, "sharpen"), Error);
    }

    void tinyPicturesArePrepared() {
        const Image one{1, 1, 3, {0.2F, 0.5F, 0.9F}};
        for (const std::string_view name : preparationNames())
            QCOMPARE(preparePicture(one, name).pixels.size(), size_t{3});
    }

    void tilesLoseDetailAndKeepTheRest() {
        Image stripes{32, 32, 3, std::vector<float>(32 * 32 * 3, 0.5F)};
        for (size_t i = 0; i < stripes.pixels.size(); ++i)
            if (i / 3 % 2 == 0) stripes.pixels[i] = 1;
        const Image made = preparePicture(stripes, "tile");
        for (size_t i = 16 * 32 * 3 + 8 * 3; i < 16 * 32 * 3 + 24 * 3; ++i)
            QVERIFY(std::abs(made.pixels[i] - 0.75F) < 0.05F);
    }
};

QTEST_APPLESS_MAIN(PreparePictureTest)
#include "prepare_picture_test.moc"
