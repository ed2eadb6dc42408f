// What a mask keeps has exactly its own pixels, from the shell to verify: the real program.

#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "core/media/resize_image.h"
#include "tests/app/cli/program_run.h"

#include <QTest>

#include <algorithm>
#include <string>
#include <utility>

using namespace kinora;
using namespace kinora::app;

namespace {

const QString kGolden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");
constexpr int kSide = 128, kMasked = 40; // the picture, and the columns at its left made anew
constexpr int kUsualReach = 16;          // of the usual blur

} // namespace

class MaskCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        make("plain.png", {});
        core::Image mask{kSide, kSide, 3, std::vector<float>(3 * kSide * kSide)};
        for (int y = 0; y < kSide; ++y)
            std::fill_n(mask.pixels.begin() + y * kSide * 3, 3 * kMasked, 1.0F);
        QVERIFY(core::saveImage(mask, file("mask.png"), {}).ok());
        QVERIFY(core::saveImage(core::resizeImage(load("plain.png"), 96, 80), file("small.png"), {})
                    .ok());
        make("pasted.png", masked());
        make("through.png", masked({"--paste-back", "off"}));
    }

    void whatIsNotMaskedIsAsItWas() {
        const core::Image before = load("plain.png"), after = load("pasted.png"),
                          through = load("through.png");
        QCOMPARE(differing(before, after, kMasked + kUsualReach, kSide), 0);
        QVERIFY(differing(before, through, kMasked + kUsualReach, kSide) > 100);
        QVERIFY(differing(before, after, 0, kMasked) > 100);
        QCOMPARE(differing(through, after, 0, kMasked), 0);
    }

    void theSeamIsAsSoftAsAskedFor() {
        make("hard.png", masked({"--mask-blur", "0"}));
        QCOMPARE(differing(load("plain.png"), load("hard.png"), kMasked, kSide), 0);
        QCOMPARE(differing(load("through.png"), load("hard.png"), 0, kMasked), 0);
        QVERIFY(differing(load("hard.png"), load("pasted.png"), kMasked, kMasked + 8) > 0);
    }

    void surroundingsLeaveThePictureAsItWas() {
        make("wider.png", {"--init", "plain.png", "--outpaint", "0,0,32,0"});
        const core::Image before = load("plain.png"), after = load("wider.png");
        QCOMPARE(after.width, kSide + 32);
        constexpr int kSoftEdge = 16; // the canvas's own
        QCOMPARE(differing(before, after, 0, kSide - kSoftEdge - kUsualReach), 0);
        QVERIFY(differing(before, after, kSide - 8, kSide) > 0);
    }

    void aStretchedPictureIsPastedAsItWasStretched() {
        const QStringList stretched{"--init",  "small.png", "--mask",   "mask.png",
                                    "--width", "128",       "--height", "128"};
        make("stretched.png", stretched);
        const core::Image before =
            core::resizeImage(load("small.png"), kSide, kSide, core::ResizeFilter::Lanczos8Bit);
        QCOMPARE(differing(before, load("stretched.png"), kMasked + kUsualReach, kSide), 0);
    }

    void liesOnTheBackground() {
        make("green.png", masked({"--background", "#00ff00"}));
        const core::Image before = load("plain.png"), after = load("green.png");
        QCOMPARE(after.channels, 3);
        const auto bytes = core::toBytes(after);
        int transparent = 0;
        for (int at = 0; at < kSide * kSide; ++at) {
            if (at % kSide < kMasked + kUsualReach) continue;
            const float* from = &before.pixels[static_cast<size_t>(at) * 4];
            const float alpha = from[3];
            const core::Image pixel{
                1, 1, 3, {from[0] * alpha, from[1] * alpha + (1 - alpha), from[2] * alpha}};
            const auto expected = core::toBytes(pixel);
            QVERIFY(std::equal(expected.begin(), expected.end(), bytes.begin() + at * 3));
            transparent += alpha < 1 ? 1 : 0;
        }
        QVERIFY(transparent > 100);
    }

    // Models without alpha, and those that are shown the mask, see it on white.
    void otherModelsKeepItToo_data() {
        QTest::addColumn<QString>("model");
        for (const char* model : {"tiny-sd1", "tiny-inpaint"})
            QTest::newRow(model) << QString(model);
    }
    void otherModelsKeepItToo() {
        QFETCH(QString, model);
        make("other.png", masked({"--model", kGolden + model, "--overwrite"}));
        const core::Image before = load("plain.png"), after = load("other.png");
        QCOMPARE(after.channels, 3);
        core::Image white{kSide, kSide, 3, {}};
        for (size_t at = 0; at < before.pixels.size(); at += 4)
            for (size_t c = at; c < at + 3; ++c)
                white.pixels.push_back(before.pixels[c] * before.pixels[at + 3] +
                                       (1 - before.pixels[at + 3]));
        QCOMPARE(differing(white, after, kMasked + kUsualReach, kSide), 0);
        QVERIFY(differing(white, after, 0, kMasked) > 100);
    }

    void isInTheMetadataAndMadeAgain() {
        const auto request = provenance("pasted.png").request;
        QCOMPARE(request.pasteBack.value_or(""), std::string("on"));
        QCOMPARE(request.maskBlur.value_or(-1), 4);
        QVERIFY(!provenance("through.png").request.maskBlur);
        QVERIFY(!provenance("plain.png").request.pasteBack);
        for (const char* name : {"pasted.png", "through.png"}) QVERIFY(isSame(name));
    }

    // Pictures from before there was a choice do not speak of it.
    void oldPicturesAreMadeAgainAsTheyWere() {
        core::SaveOptions options;
        options.provenance = provenance("through.png");
        options.provenance->request.pasteBack.reset();
        QVERIFY(core::saveImage(load("through.png"), file("old.png"), options).ok());
        QVERIFY(isSame("old.png"));
    }

    void saysWhatDoesNotCount() {
        const Run run = m_home.run(image("no.png", {"--mask-blur", "8", "--dry-run"}));
        QCOMPARE(run.code, 0);
        QVERIFY2(run.errHas("mask-blur) does not count"), run.err.constData());
    }

  private:
    static QStringList image(const QString& output, const QStringList& more) {
        return QStringList{"image",    "--prompt",  "3d emoji of a red apple",
                           "--steps",  "4",         "--seed",
                           "3",        "--sampler", "ddim",
                           "--output", output} +
               more;
    }
    static QStringList masked(const QStringList& more = {}) {
        return QStringList{"--init", "plain.png", "--mask", "mask.png"} + more;
    }
    std::string file(const QString& name) const { return m_home.path(name).toStdString(); }
    core::Image load(const QString& name) const { return *core::loadImage(file(name)); }
    core::Provenance provenance(const QString& name) const {
        return *core::readPictureInfo(file(name))->provenance;
    }
    void make(const QString& output, const QStringList& more) const {
        const Run run = m_home.run(image(output, more));
        QVERIFY2(run.code == 0, run.err.constData());
    }
    bool isSame(const QString& name) const {
        const Run run = m_home.run({"verify", name, "--input", "plain.png", "--input", "mask.png"});
        return run.out == name.toUtf8() + ": same\n";
    }
    // Stored values in columns from `left` up to `right` that are not equal; the pictures begin at
    // the same corner.
    static int differing(const core::Image& one, const core::Image& other, int left, int right) {
        if (one.channels != other.channels || one.height != other.height) return -1;
        const auto a = core::toBytes(one), b = core::toBytes(other);
        const auto at = [](const core::Image& image, int x, int y) {
            return (y * image.width + x) * image.channels;
        };
        int count = 0;
        for (int y = 0; y < one.height; ++y)
            for (int i = left * one.channels; i < right * one.channels; ++i)
                count += a[static_cast<size_t>(at(one, 0, y) + i)] !=
                                 b[static_cast<size_t>(at(other, 0, y) + i)]
                             ? 1
                             : 0;
        return count;
    }

    Home m_home;
};

QTEST_GUILESS_MAIN(MaskCommandTest)
#include "mask_command_test.moc"
