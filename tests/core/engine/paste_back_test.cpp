// What a mask keeps, put back into a picture: numbers from tests/golden/generate_paste_back.py.
#include "core/engine/paste_back.h"
#include "kernels/base/error.h"
#include "tests/support/golden_file.h"

#include <QTest>

#include <algorithm>
#include <cmath>
#include <string>

using namespace kinora;
using namespace kinora::core;
using kernels::Shape;
using pipelines::HostTensor;

namespace {

HostTensor tensor(const test::GoldenFile& file, const std::string& name) {
    const std::vector<int64_t> shape = file.shape(name);
    return {Shape{shape[0], shape[1], shape[2]}, file.floats(name)};
}

Image image(const HostTensor& tensor) {
    return {static_cast<int>(tensor.shape[1]), static_cast<int>(tensor.shape[0]),
            static_cast<int>(tensor.shape[2]), tensor.values};
}

// A row of pixels.
HostTensor row(int64_t channels, std::vector<float> values) {
    const auto width = static_cast<int64_t>(values.size()) / channels;
    return {Shape{1, width, channels}, std::move(values)};
}

} // namespace

class PasteBackTest : public QObject {
    Q_OBJECT

  private slots:
    void fadesAsDiffusersOverlays() {
        constexpr float kEightBits = 2.0F / 255; // its colours, its alpha and its mask are rounded
        const test::GoldenFile file("paste_back.safetensors");
        const HostTensor kept = tensor(file, "kept"), made = tensor(file, "made"),
                         mask = tensor(file, "mask");
        for (const int blur : {0, 1, 2}) {
            const Image found =
                pastedBack(image(made), kept, mask, {.blurPixels = static_cast<double>(blur)});
            const std::vector<float> expected = file.floats("blur-" + std::to_string(blur));
            QCOMPARE(found.pixels.size(), expected.size());
            float most = 0;
            for (size_t i = 0; i < expected.size(); ++i)
                most = std::max(most, std::abs(found.pixels[i] - expected[i]));
            QVERIFY2(most <= kEightBits, qPrintable(QString::number(255 * most)));
        }
    }

    // Nothing of the one in the other, to the bit.
    void keepsAndMakesWhole() {
        constexpr int64_t kWidth = 40;
        HostTensor kept = row(3, std::vector<float>(3 * kWidth)), made = kept,
                   mask = row(1, std::vector<float>(kWidth));
        for (size_t i = 0; i < kept.values.size(); ++i) {
            kept.values[i] = static_cast<float>(i) / 500;
            made.values[i] = 1 - kept.values[i];
        }
        for (size_t x = 10; x < 15; ++x) mask.values[x] = 1;
        mask.values[15] = 0.49F;
        const Image found = pastedBack(image(made), kept, mask, {.blurPixels = 2});
        for (size_t i = 0; i < found.pixels.size(); ++i) {
            const size_t x = i / 3;
            if (x >= 10 && x < 15) QCOMPARE(found.pixels[i], made.values[i]);
            if (x < 10 - 8 || x > 15 + 8) QCOMPARE(found.pixels[i], kept.values[i]);
        }
        QVERIFY(found.pixels[3 * 9] != kept.values[3 * 9]);
        QVERIFY(found.pixels[3 * 9] != made.values[3 * 9]);
    }

    void fadesTransparency() {
        const HostTensor kept = row(4, {1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0.5F});
        const HostTensor made = row(4, {0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1});
        const HostTensor mask = row(1, {0.25F, 0.25F, 0});
        const Image found = pastedBack(image(made), kept, mask, {});
        // What is not seen has no colour to give.
        QVERIFY(found.pixels == std::vector<float>({0, 0, 1, 0.5F, 0, 1, 0, 0.5F, 1, 0, 0, 0.5F}));
    }

    void laysTransparentPixelsOnWhatIsBehind() {
        const HostTensor kept = row(4, {1, 0, 0, 0, 1, 0, 0, 0.5F, 0.25F, 0.5F, 0.75F, 1});
        const HostTensor made = row(3, std::vector<float>(9, 0.3F)), mask = row(1, {0, 0, 0});
        const Image found = pastedBack(image(made), kept, mask, {.behind = {0, 1, 0}});
        QVERIFY(found.pixels == std::vector<float>({0, 1, 0, 0.5F, 0.5F, 0, 0.25F, 0.5F, 0.75F}));
        const Image solid = pastedBack(image(kept), made, mask, {});
        QCOMPARE(solid.pixels[3], 1.0F); // an opaque one stays so in a picture with alpha
        QCOMPARE(solid.pixels[0], 0.3F);
    }

    void refusesOtherSizes() {
        const HostTensor three = row(3, std::vector<float>(9)), mask = row(1, {0, 0, 0});
        QVERIFY_THROWS_EXCEPTION(Error, pastedBack(image(three), three, row(1, {0, 0}), {}));
        QVERIFY_THROWS_EXCEPTION(Error, pastedBack(image(three), {}, mask, {}));
    }
};

QTEST_GUILESS_MAIN(PasteBackTest)
#include "paste_back_test.moc"
