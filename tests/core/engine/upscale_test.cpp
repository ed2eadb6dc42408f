#include "core/engine/upscale.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"

#include <QTest>

using namespace kinora;

namespace {

const kernels::BackendTable& planBackend() { // as the program registers it
    static const kernels::BackendTable table = kernels::cpuPlanBackend(kernels::metaBackend());
    return table;
}

core::Image gradient(int width, int height, int channels) {
    core::Image image{width, height, channels, {}};
    for (int i = 0; i < width * height * channels; ++i)
        image.pixels.push_back(static_cast<float>(i % 97) / 97);
    return image;
}

} // namespace

class UpscaleTest : public QObject {
    Q_OBJECT

    kernels::BackendRegistry m_backends;

    static core::UpscaleOptions with(const char* file) {
        core::UpscaleOptions options;
        options.upscaler =
            std::filesystem::path(KINORA_SOURCE_DIR "/tests/golden/data/upscalers") / file;
        options.precision = "f32";
        options.threads = 2;
        return options;
    }

  private slots:
    void initTestCase() {
        m_backends.add(kernels::cpuBackend());
        m_backends.add(planBackend());
    }

    void alphaIsEnlargedToo() {
        const core::Image flat = gradient(20, 14, 3);
        core::Image glass{20, 14, 4, {}};
        for (size_t i = 0; i < flat.pixels.size(); i += 3) {
            glass.pixels.insert(glass.pixels.end(), &flat.pixels[i], &flat.pixels[i] + 3);
            glass.pixels.push_back(i % 2 ? 1.0f : 0.0f);
        }
        const auto options = with("compact-x2.safetensors");
        const auto opaque = core::upscalePicture(m_backends, flat, options);
        const auto clear = core::upscalePicture(m_backends, glass, options);
        QVERIFY(opaque.ok() && clear.ok());
        const core::Image &three = (*opaque)->image, &four = (*clear)->image;
        QCOMPARE(four.channels, 4);
        QCOMPARE(four.width, 40);
        QCOMPARE(four.pixels.size() / 4, three.pixels.size() / 3);
        for (size_t i = 0; i < three.pixels.size() / 3; ++i)
            QCOMPARE(four.pixels[4 * i + 1], three.pixels[3 * i + 1]);
    }

    void theSameTwiceIsTheSame() {
        const auto options = with("esrgan-x4.pth");
        const core::Image picture = gradient(90, 70, 3);
        const auto once = core::upscalePicture(m_backends, picture, options);
        const auto twice = core::upscalePicture(m_backends, picture, options);
        QVERIFY((*once)->image.pixels == (*twice)->image.pixels);
    }

    void aSmallerTileTakesLess() {
        auto options = with("esrgan-x4.pth");
        const core::Image picture = gradient(400, 300, 3);
        options.tile = 64;
        const auto small = core::planUpscale(m_backends, picture, options);
        options.tile = 256;
        const auto large = core::planUpscale(m_backends, picture, options);
        QVERIFY(small.ok() && large.ok());
        QCOMPARE(large->width, 1600);
        QVERIFY(small->predictedPeakBytes + (20 << 20) < large->predictedPeakBytes);
    }

    void tellsTilesAndEndsWhenAsked() {
        auto options = with("compact-x2.safetensors");
        options.tile = 64;
        int64_t told = 0;
        options.progress = [&](int64_t done, int64_t of, double secondsLeft) {
            told = done;
            QVERIFY(of == 12 && secondsLeft >= 0);
            if (done == 3) options.cancel.cancel();
        };
        const auto result = core::upscalePicture(m_backends, gradient(200, 150, 3), options);
        QVERIFY(result.ok() && !*result);
        QCOMPARE(told, 3);
    }

    void refusesWhatIsTooLarge() {
        auto options = with("esrgan-x8-oldest.safetensors");
        const auto large = core::planUpscale(m_backends, core::Image{5000, 10, 3, {}}, options);
        QCOMPARE(large.error().code(), ErrorCode::InvalidArgument);
        options.tile = 8;
        const auto tile = core::planUpscale(m_backends, gradient(9, 9, 3), options);
        QCOMPARE(tile.error().code(), ErrorCode::InvalidArgument);
        options = with("nothing.pth");
        QCOMPARE(core::planUpscale(m_backends, gradient(9, 9, 3), options).error().code(),
                 ErrorCode::NotFound);
    }
};

QTEST_GUILESS_MAIN(UpscaleTest)
#include "upscale_test.moc"
