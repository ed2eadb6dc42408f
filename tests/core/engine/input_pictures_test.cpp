#include "core/engine/input_pictures.h"
#include "core/media/image_file.h"
#include "kernels/base/error.h"
#include "tests/support/golden_file.h"

#include <QTemporaryDir>
#include <QTest>

using namespace kinora;
using namespace kinora::core;

class InputPicturesTest : public QObject {
    Q_OBJECT

    // Saves a picture of one colour with that alpha.
    std::string saved(const char* name, int width, int height, std::vector<float> pixel) {
        Image image{width, height, static_cast<int>(pixel.size()), {}};
        for (int i = 0; i < width * height; ++i)
            image.pixels.insert(image.pixels.end(), pixel.begin(), pixel.end());
        const std::string path = m_folder.filePath(name).toStdString();
        const auto done = saveImage(image, path, {});
        if (!done) qFatal("%s", done.error().what());
        return path;
    }

  private slots:
    void readsNothingWhereNothingIsNamed() {
        const InputPictures pictures = InputPictures::read({});
        QCOMPARE(pictures.size().width, 0);
        const pipelines::RunInputs inputs = pictures.scaledTo(64, 64);
        QVERIFY(!inputs.init.defined() && !inputs.mask.defined());
        QVERIFY(pictures.notes(64, 64).empty());
    }

    void bringsBothToTheSizeOfTheRun() {
        pipelines::ImageRequest request;
        request.initPath = saved("init.png", 40, 20, {1, 0, 0, 1});
        request.maskPath = saved("mask.png", 10, 10, {1, 1, 1});
        const InputPictures pictures = InputPictures::read(request);
        QCOMPARE(pictures.size().width, 40);
        QCOMPARE(pictures.size().height, 20);
        const pipelines::RunInputs inputs = pictures.scaledTo(16, 24);
        QVERIFY((inputs.init.shape == kernels::Shape{24, 16, 4}));
        QCOMPARE(inputs.init.values.size(), size_t{24 * 16 * 4});
        QVERIFY((inputs.mask.shape == kernels::Shape{24, 16, 1}));
        QVERIFY(std::abs(inputs.mask.values[5] - 1) < 1e-5);
        const auto notes = pictures.notes(16, 24);
        QCOMPARE(notes.size(), size_t{2});
        QCOMPARE(notes[0], std::string("The mask is 10 x 10 and is scaled to 16 x 24."));
        QVERIFY(notes[1].find("40 x 20 and is stretched to 16 x 24") != std::string::npos);
        QCOMPARE(pictures.notes(80, 40).size(), size_t{1}); // the same shape: nothing to say
    }

    void clipSeesTheMiddleAsItsReferenceDoes() {
        const test::GoldenFile golden("ip_adapters/expected.safetensors");
        for (const std::string name : {"wide", "high"}) {
            const pipelines::HostTensor seen =
                pictureForClip(test::goldenPath("ip_adapters/" + name + ".png"), 30);
            QVERIFY((seen.shape == kernels::Shape{30, 30, 3}));
            const std::vector<float> expected = golden.floats("picture." + name);
            QCOMPARE(seen.values.size(), expected.size());
            // Where a value lies between two of the 8 bits, sums in f32 may round otherwise.
            size_t others = 0;
            for (size_t i = 0; i < expected.size(); ++i) {
                QVERIFY(std::abs(seen.values[i] - expected[i]) < 1.01f / 255);
                others += std::abs(seen.values[i] - expected[i]) > 1e-4f ? 1 : 0;
            }
            QVERIFY2(others * 100 < expected.size(), qPrintable(QString::number(others)));
        }
    }

    void whatNetsFollowIsOpaqueAndPrepared() {
        pipelines::ImageRequest request;
        const std::string clear = saved("guide.png", 20, 20, {0, 0, 0, 0});
        request.controlImages = {clear, clear};
        request.controlPrepare = {"none", "canny"};
        request.adapterImages = {saved("red.png", 20, 10, {1, 0, 0})};
        const InputPictures pictures = InputPictures::read(request);
        const pipelines::RunInputs inputs = pictures.scaledTo(16, 16);
        QCOMPARE(inputs.controls.size(), size_t{2});
        QVERIFY((inputs.controls[0].shape == kernels::Shape{16, 16, 3}));
        QCOMPARE(inputs.controls[0].values[0], 1.0F); // on white
        QCOMPARE(inputs.controls[1].values[0], 0.0F); // which has no edges
        QVERIFY((inputs.adapters[0].shape == kernels::Shape{16, 16, 3}));
        QVERIFY(std::abs(inputs.adapters[0].values[0] - 1) < 1e-5);
        QCOMPARE(pictures.notes(16, 16).size(), size_t{1});
    }

    // Luma is taken of what was scaled, in 8 bits: 128 of 255 is repainted, 127 is not.
    void aMaskIsScaledInBytes() {
        pipelines::ImageRequest request;
        Image image{3, 1, 3, {0, 0, 0, 1, 1, 1, 1, 1, 1}};
        request.maskPath = m_folder.filePath("steps.png").toStdString();
        QVERIFY(saveImage(image, request.maskPath, {}));
        const auto inputs = InputPictures::read(request).scaledTo(4, 2);
        for (const float value : inputs.mask.values) {
            const float level = 255 * value;
            QVERIFY2(std::abs(level - std::round(level)) < 1e-3F,
                     qPrintable(QString::number(level)));
        }
        QVERIFY(inputs.mask.values[1] > 0 && inputs.mask.values[1] < 1);
    }

    void aMaskIsBlackWhereItIsTransparent() {
        pipelines::ImageRequest request;
        request.maskPath = saved("clear.png", 8, 8, {1, 1, 1, 0});
        QCOMPARE(InputPictures::read(request).scaledTo(8, 8).mask.values[0], 0.0F);
    }

    void namesTheFileThatCannotBeRead() {
        pipelines::ImageRequest request;
        request.initPath = m_folder.filePath("nothing.png").toStdString();
        try {
            InputPictures::read(request);
            QFAIL("accepted");
        } catch (const Error& error) {
            QCOMPARE(error.code(), ErrorCode::NotFound);
            QVERIFY(error.message().find("nothing.png") != std::string::npos);
        }
    }

  private:
    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(InputPicturesTest)
#include "input_pictures_test.moc"
