// Pictures to files and back, in every format, with what they say about themselves.

#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "tests/core/media/media_samples.h"

#include <QProcess>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

using namespace kinora;
using namespace kinora::core;

namespace {

constexpr const char* kNames[] = {"a.png", "a.jpg", "a.webp", "a.tiff", "a.exr", "a.avif"};

double worstDifference(const Image& a, const Image& b) {
    if (a.width != b.width || a.height != b.height || a.channels != b.channels) return 1e9;
    double worst = 0;
    for (size_t i = 0; i < a.pixels.size(); ++i) {
        worst = std::max(worst, static_cast<double>(std::abs(a.pixels[i] - b.pixels[i])));
    }
    return worst;
}

std::string hundredKilobytes() {
    std::string text;
    while (text.size() + 40 < 100'000)
        text += "a red apple, \xE8\x8B\xB9\xE6\x9E\x9C \xF0\x9F\x8D\x8E\n";
    return text + "end";
}

} // namespace

class ImageFileTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_dir;
    std::filesystem::path path(const char* name) const {
        return std::filesystem::path(m_dir.path().toStdString()) / name;
    }

    static SaveOptions optionsFor(const std::filesystem::path& path,
                                  std::optional<Provenance> provenance = {}) {
        return {*imageFormatFromPath(path), Overwrite::Yes, std::move(provenance)};
    }

    // The output of a program that is not ours; empty where it is not installed.
    static QString outputOf(const QString& program, const QStringList& arguments) {
        if (QStandardPaths::findExecutable(program).isEmpty()) return {};
        QProcess process;
        process.start(program, arguments);
        process.waitForFinished(60'000);
        return QString::fromUtf8(process.readAllStandardOutput());
    }

  private slots:
    void keepsPixels_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("channels");
        QTest::addColumn<double>("tolerance"); // in levels of 255
        for (const int channels : {3, 4}) {
            const auto row = [&](const char* name, double tolerance) {
                QTest::addRow("%s %d", name, channels) << name << channels << tolerance;
            };
            row("a.png", 0.5);
            row("a.tiff", 0.5);
            row("a.exr", 1.0);
            row("a.jpg", 6);
            row("a.webp", 16);
            row("a.avif", 16);
        }
    }
    void keepsPixels() {
        QFETCH(QString, name);
        QFETCH(int, channels);
        QFETCH(double, tolerance);
        Image image = samples::picture(64, 48, channels);
        // Colour below clear pixels is nobody's business; formats drop it.
        for (size_t i = 3; channels == 4 && i < image.pixels.size(); i += 4) {
            image.pixels[i] = 0.2F + 0.8F * image.pixels[i];
        }
        const auto file = path(name.toUtf8());
        const Result<void> saved = saveImage(image, file, optionsFor(file));
        QVERIFY2(saved, saved ? "" : saved.error().what());
        const Result<Image> loaded = loadImage(file);
        QVERIFY2(loaded, loaded ? "" : loaded.error().what());
        Image expected = image;
        if (name == "a.jpg" && channels == 4) {
            expected.channels = 3;
            expected.pixels.clear();
            for (size_t i = 0; i < image.pixels.size(); i += 4) {
                for (size_t c = 0; c < 3; ++c) {
                    const float alpha = image.pixels[i + 3];
                    expected.pixels.push_back(image.pixels[i + c] * alpha + 1 - alpha);
                }
            }
        }
        const double worst = worstDifference(expected, *loaded) * 255;
        QVERIFY2(worst <= tolerance + 1e-3, qPrintable(QString::number(worst)));
    }

    void losslessFormatsKeepTheHash_data() {
        QTest::addColumn<QString>("name");
        QTest::addRow("png") << "a.png";
        QTest::addRow("tiff") << "a.tiff";
    }
    void losslessFormatsKeepTheHash() {
        QFETCH(QString, name);
        const Image image = samples::picture(33, 17, 4); // clear pixels with colour too
        const auto file = path(name.toUtf8());
        QVERIFY(saveImage(image, file, optionsFor(file)));
        QCOMPARE(pixelHash(*loadImage(file)), pixelHash(image));
    }

    void saysHowItWasMade_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<std::string>("prompt");
        for (const char* name : kNames) {
            const auto row = [&](const char* what, const std::string& prompt) {
                QTest::addRow("%s, %s", name, what) << name << prompt;
            };
            row("plain", "a red apple, 3d emoji");
            row("Latin-1", "caf\xC3\xA9 cr\xC3\xA8me");
            row("emoji", "\xF0\x9F\x8D\x8E apple \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x9A\x80");
            row("CJK", "\xE8\xB5\xA4\xE3\x81\x84\xE3\x82\x8A\xE3\x82\x93\xE3\x81\x94");
            row("lines", "first line\nsecond: \"quoted\", <b>&amp;</b>\n\nlast \\ line");
            row("long", hundredKilobytes());
            row("empty", "");
        }
    }
    void saysHowItWasMade() {
        QFETCH(QString, name);
        QFETCH(std::string, prompt);
        const Image image = samples::picture(32, 16, 4);
        const Provenance made = samples::provenance(prompt);
        const auto file = path(name.toUtf8());
        const Result<void> saved = saveImage(image, file, optionsFor(file, made));
        QVERIFY2(saved, saved ? "" : saved.error().what());
        const Result<PictureInfo> info = readPictureInfo(file);
        QVERIFY2(info, info ? "" : info.error().what());
        for (const auto& [key, value] : info->others) {
            qInfo("%s: %s", key.c_str(), value.substr(0, 200).c_str());
        }
        QCOMPARE(info->madeWith, std::string("Kinora"));
        QVERIFY(info->provenance);
        QCOMPARE(info->width, 32);
        QCOMPARE(info->height, 16);
        Provenance expected = made;
        expected.outputHash = pixelHash(image);
        expected.request.model = made.modelName;
        QCOMPARE(samples::shown(toJson(*info->provenance).dump()),
                 samples::shown(toJson(expected).dump()));
        QCOMPARE(info->provenance->request.prompt, prompt);
        QCOMPARE(*info->provenance->request.seed, *made.request.seed);
    }

    void isTheSameBytesTwice_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : kNames) QTest::addRow("%s", name) << name;
    }
    void isTheSameBytesTwice() {
        QFETCH(QString, name);
        const Image image = samples::picture(40, 24, 4);
        const Provenance made = samples::provenance("a red apple \xF0\x9F\x8D\x8E");
        const auto first = path(name.toUtf8());
        const auto second = path(("again-" + name).toUtf8());
        QVERIFY(saveImage(image, first, optionsFor(first, made)));
        QTest::qSleep(1100); // a clock in the file would show
        QVERIFY(saveImage(image, second, optionsFor(second, made)));
        QVERIFY(samples::bytesOf(first) == samples::bytesOf(second));
        const std::string bytes = samples::bytesOf(first);
        QVERIFY(bytes.find(m_dir.path().toStdString()) == std::string::npos);
        QVERIFY(bytes.find("OpenImageIO") == std::string::npos);
        QVERIFY(bytes.find("DateTime") == std::string::npos);
    }

    void saysNothingWithoutProvenance_data() { isTheSameBytesTwice_data(); }
    void saysNothingWithoutProvenance() {
        QFETCH(QString, name);
        const auto file = path(name.toUtf8());
        QVERIFY(saveImage(samples::picture(40, 24, 3), file, optionsFor(file)));
        const Result<PictureInfo> info = readPictureInfo(file);
        QVERIFY(info);
        QVERIFY(info->madeWith.empty());
        for (const auto& [key, value] : info->texts) {
            QVERIFY2(key == "compression" || key == "planarconfig", key.c_str());
        }
        QString bytes = QString::fromLatin1(QByteArray::fromStdString(samples::bytesOf(file)));
        for (const char* word : {"OpenImageIO", "inora", "Software", "DateTime", "xmpmeta"}) {
            QVERIFY2(!bytes.contains(QLatin1String(word)), word);
        }
    }

    void otherProgramsSeeTheParameters() {
        const Image image = samples::picture(32, 16, 4);
        const Provenance made = samples::provenance("a red apple");
        for (const char* name : {"a.png", "a.jpg", "a.tiff", "a.webp"}) {
            const auto file = path(name);
            QVERIFY(saveImage(image, file, optionsFor(file, made)));
            const QString seen =
                outputOf("identify", {"-verbose", QString::fromStdString(file.string())});
            if (seen.isEmpty()) QSKIP("ImageMagick is not installed");
            QVERIFY2(seen.contains("32x16"), name);
            QVERIFY2(!seen.contains("Corrupt"), qPrintable(seen));
            if (QLatin1String(name) == QLatin1String("a.png")) {
                QVERIFY(seen.contains("parameters: a red apple"));
                QVERIFY(seen.contains("Steps: 24, Sampler: DPM++ 2M, Schedule type: Karras"));
                QVERIFY(seen.contains("png:sRGB"));
            } else {
                QVERIFY2(seen.contains("Profile-xmp") || seen.contains("Profile-exif"), name);
            }
            // "UNICODE", NUL and UTF-16 with the high byte first, as the web UIs write it.
            if (QLatin1String(name) == QLatin1String("a.jpg")) {
                QVERIFY(seen.contains("exif:UserComment: 85, 78, 73, 67, 79, 68, 69, 0, 0, 97,"));
                QVERIFY(seen.contains("Profile-icc"));
            }
        }
    }

    void otherProgramsSeeTheAlpha() {
        Image image = samples::picture(16, 16, 4);
        for (size_t i = 0; i < image.pixels.size(); i += 4) {
            const float pixel[4] = {0.25F, 0.65F, 0.85F, 0.5F};
            std::copy_n(pixel, 4, &image.pixels[i]);
        }
        for (const char* name : {"a.png", "a.webp", "a.tiff"}) {
            const auto file = path(name);
            QVERIFY(saveImage(image, file, optionsFor(file)));
            const QString seen =
                outputOf("identify", {"-format",
                                      "%[fx:round(255*p{8,8}.r)] %[fx:round(255*p{8,8}.g)] "
                                      "%[fx:round(255*p{8,8}.b)] %[fx:round(255*p{8,8}.a)]",
                                      QString::fromStdString(file.string())});
            const QStringList numbers = seen.split(' ');
            if (numbers.size() != 4) QSKIP("ImageMagick is not installed");
            const int expected[4] = {64, 166, 217, 128};
            for (int c = 0; c < 4; ++c) {
                QVERIFY2(std::abs(numbers[c].toInt() - expected[c]) <= 3,
                         qPrintable(QString(name) + ": " + seen));
            }
        }
    }

    void readsAGifOfOnePixel() {
        const char gif[] = "GIF89a\x01\0\x01\0\x80\0\0\xC8\x64\x32\0\0\0,\0\0\0\0\x01\0\x01\0\0"
                           "\x02\x02\x44\x01\0;";
        samples::write(path("a.gif"), std::string(gif, sizeof gif - 1));
        const Result<Image> image = loadImage(path("a.gif"));
        QVERIFY2(image, image ? "" : image.error().what());
        std::vector<uint8_t> expected = {200, 100, 50};
        if (image->channels == 4) expected.push_back(255);
        QCOMPARE(toBytes(*image), expected);
    }

    void turnsPicturesUprightAsExifSays_data() {
        QTest::addColumn<int>("orientation");
        QTest::addColumn<QString>("rows"); // of the picture "ab" over "cd", over "ef"
        QTest::addRow("upright") << 1 << "ab/cd/ef";
        QTest::addRow("mirrored") << 2 << "ba/dc/fe";
        QTest::addRow("half a turn") << 3 << "fe/dc/ba";
        QTest::addRow("upside down") << 4 << "ef/cd/ab";
        QTest::addRow("transposed") << 5 << "ace/bdf";
        QTest::addRow("a quarter to the right") << 6 << "eca/fdb";
        QTest::addRow("transposed the other way") << 7 << "fdb/eca";
        QTest::addRow("a quarter to the left") << 8 << "bdf/ace";
    }
    void turnsPicturesUprightAsExifSays() {
        QFETCH(int, orientation);
        QFETCH(QString, rows);
        Image image{2, 3, 3, {}};
        for (const char c : {'a', 'b', 'c', 'd', 'e', 'f'}) {
            image.pixels.insert(image.pixels.end(), 3, static_cast<float>(c) / 255);
        }
        const auto file = path("turned.tiff");
        QVERIFY(saveImage(image, file, optionsFor(file)));
        std::string bytes = samples::bytesOf(file);
        const std::string tag("\x12\x01\x03\0\x01\0\0\0\x01\0", 10); // orientation: 1
        size_t at = bytes.find(tag);
        QVERIFY(at != std::string::npos);
        for (; at != std::string::npos; at = bytes.find(tag, at)) {
            bytes[at + 8] = static_cast<char>(orientation);
            ++at;
        }
        samples::write(file, bytes);
        const Result<Image> turned = loadImage(file);
        QVERIFY(turned);
        QString found;
        for (int y = 0; y < turned->height; ++y) {
            if (y > 0) found += '/';
            for (int x = 0; x < turned->width; ++x) {
                const size_t pixel = static_cast<size_t>(y * turned->width + x) * 3;
                found += QChar(static_cast<int>(std::lrint(turned->pixels[pixel] * 255)));
            }
        }
        QCOMPARE(found, rows);
    }

    void refusesAnExistingFile() {
        const auto file = path("kept.png");
        samples::write(file, "mine");
        SaveOptions options = optionsFor(file);
        options.overwrite = Overwrite::No;
        const Result<void> saved = saveImage(samples::picture(8, 8, 3), file, options);
        QVERIFY(!saved);
        QCOMPARE(saved.error().code(), ErrorCode::InvalidArgument);
        QCOMPARE(samples::bytesOf(file), std::string("mine"));
    }

    void refusesPicturesThatDisagreeWithThemselves() {
        Image image = samples::picture(8, 8, 3);
        image.pixels.pop_back();
        const auto file = path("never.png");
        QCOMPARE(saveImage(image, file, optionsFor(file)).error().code(),
                 ErrorCode::InvalidArgument);
        QVERIFY(!std::filesystem::exists(file));
    }

    void encodesPngForTheClipboard() {
        const Image image = samples::picture(20, 10, 4);
        const auto bytes = encodePng(image, samples::provenance("clip"));
        QVERIFY(bytes);
        const auto file = path("clip.png");
        samples::write(file, {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
        QCOMPARE(pixelHash(*loadImage(file)), pixelHash(image));
        QCOMPARE(readPictureInfo(file)->provenance->request.prompt, std::string("clip"));
    }

    void namesFormats() {
        QCOMPARE(*imageFormatFromPath("x.JPEG"), ImageFormat::Jpeg);
        QCOMPARE(*imageFormatFromPath("x.tar.Tif"), ImageFormat::Tiff);
        QCOMPARE(*imageFormatFromName("AVIF"), ImageFormat::Avif);
        for (const char* wrong : {"x", "x.gif", "x.", ".png"}) {
            QCOMPARE(imageFormatFromPath(wrong).error().code(), ErrorCode::InvalidArgument);
        }
    }

    void hashesPixelsAsTheyAreStored() {
        Image image = samples::picture(4, 4, 3);
        const std::string before = pixelHash(image);
        QCOMPARE(before.size(), size_t{71});
        image.pixels[0] += 0.4F / 255; // the same level
        QCOMPARE(pixelHash(image), before);
        image.pixels[0] += 1.0F / 255;
        QVERIFY(pixelHash(image) != before);
        std::swap(image.width, image.height);
        image = samples::picture(2, 8, 3);
        QVERIFY(pixelHash(image) != pixelHash(samples::picture(8, 2, 3)));
    }
};

QTEST_GUILESS_MAIN(ImageFileTest)
#include "image_file_test.moc"
