// A hundred odd files: each is judged rightly, none crashes or waits.

#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "tests/core/media/json_literal.h"
#include "tests/core/media/media_samples.h"
#include "tests/core/media/png_builder.h"

#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::samples;
namespace fs = std::filesystem;

class OddFilesTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_dir;
    fs::path path(const std::string& name) const {
        return fs::path(m_dir.path().toStdString()) / name;
    }

    static std::string saved(const fs::path& file, const std::optional<Provenance>& provenance) {
        const Result<void> done = saveImage(
            picture(24, 16, 3), file, {*imageFormatFromPath(file), Overwrite::Yes, provenance});
        return done ? bytesOf(file) : std::string();
    }

    // Whatever the file: an answer within seconds, no crash; a damaged one may still be a picture.
    void answers(const fs::path& file) {
        QElapsedTimer timer;
        timer.start();
        const Result<PictureInfo> info = readPictureInfo(file);
        const Result<Image> image = loadImage(file);
        QVERIFY(timer.elapsed() < 20'000);
        if (!info) {
            QVERIFY(info.error().code() != ErrorCode::Internal);
            QVERIFY(info.error().message().find("/proc/self/fd") == std::string::npos);
        }
        if (image) {
            QVERIFY(image->width > 0 && image->height > 0);
            for (const float value : image->pixels) QVERIFY(value >= 0 && value <= 1);
        }
    }

  private slots:
    void refusesWhatIsNoPicture_data() {
        QTest::addColumn<std::string>("bytes");
        QTest::addRow("empty") << std::string();
        QTest::addRow("one byte") << std::string("\x89");
        QTest::addRow("HTML") << std::string("<!DOCTYPE html><html><body>404</body></html>");
        QTest::addRow("text") << std::string("a picture of a cat\n");
        QTest::addRow("zeros") << std::string(10'000, '\0');
        QTest::addRow("JSON bomb") << std::string(1'000'000, '[');
        QTest::addRow("SVG") << std::string("<svg xmlns='http://www.w3.org/2000/svg'/>");
        QTest::addRow("zip") << std::string("PK\x03\x04zip");
        QTest::addRow("gzip") << std::string("\x1F\x8B\x08 gz");
        QTest::addRow("ELF") << std::string("\x7F"
                                            "ELF program");
        QTest::addRow("safetensors") << std::string("\x08\0\0\0\0\0\0\0{}      ", 16);
        QTest::addRow("PNG signature") << pngSignature();
        QTest::addRow("JPEG signature") << std::string("\xFF\xD8\xFF\xE0");
        QTest::addRow("WebP signature") << std::string("RIFF\x04\0\0\0WEBP", 12);
        QTest::addRow("TIFF signature") << std::string("II*\0\x08\0\0\0", 8);
        QTest::addRow("EXR signature") << std::string("\x76\x2F\x31\x01\x02\0\0\0", 8);
        QTest::addRow("AVIF signature") << std::string("\0\0\0\x1C"
                                                       "ftypavif",
                                                       12);
        QTest::addRow("GIF signature") << std::string("GIF89a");
        QTest::addRow("BMP signature") << std::string("BM");
        QTest::addRow("RIFF of another kind") << std::string("RIFF\x04\0\0\0WAVE", 12);
        QTest::addRow("no end") << pngHead(8, 8) + pngPicture();
        QTest::addRow("no picture data") << pngHead(8, 8) + pngEnd();
        QTest::addRow("PNG with CRLF") << std::string("\x89PNG\r\r\n\x1A\r\n");
        QTest::addRow("chunk of 2 GiB")
            << pngHead(8, 8) + std::string("\x7F\xFF\xFF\xFFiTXtparameters", 18);
        QTest::addRow("chunk of 4 GiB")
            << pngHead(8, 8) + std::string("\xFF\xFF\xFF\xFFzTXtparameters", 18);
    }
    void refusesWhatIsNoPicture() {
        QFETCH(std::string, bytes);
        for (const char* name : {"odd.png", "odd.jpg", "odd"}) {
            write(path(name), bytes);
            const Result<PictureInfo> info = readPictureInfo(path(name));
            QVERIFY(!info);
            QCOMPARE(info.error().code(), ErrorCode::BadFile);
            QVERIFY(info.error().message().find(name) != std::string::npos);
            const Result<Image> image = loadImage(path(name));
            QVERIFY(!image);
            QCOMPARE(image.error().code(), ErrorCode::BadFile);
        }
    }

    void refusesWhatIsNoFile() {
        fs::create_directory(path("folder.png"));
        QCOMPARE(mkfifo(path("pipe.png").c_str(), 0600), 0);
        fs::create_symlink(path("loop.png"), path("loop.png"));
        for (const char* name : {"folder.png", "pipe.png"}) {
            QCOMPARE(readPictureInfo(path(name)).error().code(), ErrorCode::BadFile);
            QCOMPARE(loadImage(path(name)).error().code(), ErrorCode::BadFile);
        }
        QCOMPARE(readPictureInfo(path("none.png")).error().code(), ErrorCode::NotFound);
        QCOMPARE(readPictureInfo(path("folder.png") / "x").error().code(), ErrorCode::NotFound);
        QCOMPARE(readPictureInfo(path("loop.png")).error().code(), ErrorCode::BadFile);
        QCOMPARE(readPictureInfo("/dev/zero").error().code(), ErrorCode::BadFile);
        const std::string longName(300, 'x');
        QCOMPARE(loadImage(path(longName)).error().code(), ErrorCode::NotFound);
        QCOMPARE(readPictureInfo(path(std::string("a\0b.png", 7))).error().code(),
                 ErrorCode::NotFound);
    }

    void tellsWhoMadeIt_data() {
        QTest::addColumn<std::string>("bytes");
        QTest::addColumn<QString>("madeWith");
        const std::string parameters = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1";
        QTest::addRow("nothing") << pngHead(8, 8) + pngPicture() + pngEnd() << "";
        QTest::addRow("behind IEND")
            << pngHead(8, 8) + pngPicture() + pngEnd() + chunk("tEXt", "parameters" + nul() + "x")
            << "";
        QTest::addRow("A1111, tEXt")
            << pngHead(8, 8) + chunk("tEXt", "parameters" + nul() + parameters) + pngPicture() +
                   pngEnd()
            << "A1111";
        QTest::addRow("A1111, iTXt") << pngWithText("parameters", parameters) << "A1111";
        QTest::addRow("A1111, zTXt")
            << pngHead(8, 8) + chunk("zTXt", "parameters" + nul() + nul() + deflated(parameters)) +
                   pngPicture() + pngEnd()
            << "A1111";
        QTest::addRow("A1111, behind the picture")
            << pngHead(8, 8) + pngPicture() + chunk("tEXt", "parameters" + nul() + parameters) +
                   pngEnd()
            << "A1111";
        QTest::addRow("a comment") << pngWithText("parameters", "taken in Rome") << "";
        QTest::addRow("ComfyUI") << pngWithText(
                                        "prompt",
                                        json("{'1': {'class_type': 'KSampler', 'inputs': {}}}"))
                                 << "ComfyUI";
        QTest::addRow("a prompt that is no graph") << pngWithText("prompt", "a cat") << "";
        QTest::addRow("a graph as a bomb")
            << pngWithText("prompt", "{\"1\": " + std::string(2'000'000, '[')) << "";
        QTest::addRow("InvokeAI") << pngWithText("invokeai_metadata",
                                                 json("{'positive_prompt': 'x'}"))
                                  << "InvokeAI";
        QTest::addRow("old InvokeAI") << pngWithText("Dream", "\"x\" -s 5") << "InvokeAI";
        const std::string ours = toJson(provenance("x")).dump();
        QTest::addRow("Kinora") << pngWithText("kinora", ours) << "Kinora";
        QTest::addRow("Kinora, cut") << pngWithText("kinora", ours.substr(0, 100)) << "";
        QTest::addRow("Kinora, a bomb") << pngWithText("kinora", std::string(100'000, '{')) << "";
        QTest::addRow("Kinora, of later days")
            << pngWithText("kinora", json("{'format': 'kinora/99'}")) << "";
        QTest::addRow("text of 16 MiB")
            << pngWithText("kinora", std::string((16U << 20) + 1, 'x')) << "";
        std::string damaged = pngWithText("parameters", parameters);
        damaged[60] ^= 1;
        QTest::addRow("wrong checksum") << damaged << "";
        QTest::addRow("bomb") << pngHead(8, 8) +
                                     chunk("zTXt", "parameters" + nul() + nul() +
                                                       deflated(std::string(100U << 20, 'x'))) +
                                     pngPicture() + pngEnd()
                              << "";
        std::string many = pngHead(8, 8);
        for (int i = 0; i < 5'000; ++i) many += chunk("tEXt", "key" + nul() + "text");
        QTest::addRow("thousands of texts") << many + pngPicture() + pngEnd() << "";
    }
    void tellsWhoMadeIt() {
        QFETCH(std::string, bytes);
        QFETCH(QString, madeWith);
        write(path("made.jpg"), bytes); // the name does not matter
        const Result<PictureInfo> info = readPictureInfo(path("made.jpg"));
        QVERIFY2(info, info ? "" : info.error().what());
        QCOMPARE(shown(info->madeWith), madeWith);
        QCOMPARE(info->format, std::string("png"));
        QCOMPARE(info->width, 8);
        QCOMPARE(info->request.has_value(), !madeWith.isEmpty() && madeWith != "ComfyUI");
    }

    void standsCutAndChangedFiles_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"a.png", "a.jpg", "a.webp", "a.tiff", "a.exr", "a.avif"}) {
            QTest::addRow("%s", name) << name;
        }
    }
    void standsCutAndChangedFiles() {
        QFETCH(QString, name);
        const std::string good = saved(path(name.toStdString()), provenance("a red apple"));
        QVERIFY(!good.empty());
        const fs::path odd = path("odd-" + name.toStdString());
        uint32_t random = 12345;
        const auto next = [&random] {
            random = random * 1664525 + 1013904223;
            return random >> 8;
        };
        for (size_t i = 0; i < 24; ++i) {
            write(odd, good.substr(0, good.size() * i / 24));
            answers(odd);
            std::string changed = good;
            for (uint32_t flips = next() % 6 + 1; flips > 0; --flips) {
                changed[next() % changed.size()] = static_cast<char>(next());
            }
            write(odd, changed);
            answers(odd);
            changed = good;
            const size_t at = next() % (good.size() - 8);
            changed.replace(at, 4, i % 2 == 0 ? "\xFF\xFF\xFF\xFF" : "\x7F\xFF\xFF\xFF");
            write(odd, changed);
            answers(odd);
        }
    }

    // What libraries print about damage is theirs alone to understand.
    void printsNothingOfItsOwn() {
        const std::string whole =
            pngHead(8, 8) + chunk("IDAT", deflated(std::string(8 * 25, '\0')));
        const std::string garbage(40, '\x5A');
        const std::pair<const char*, std::string> files[] = {
            {"stream.png", pngHead(8, 8) + chunk("IDAT", garbage) + pngEnd()},
            {"filter.png",
             pngHead(8, 8) + chunk("IDAT", deflated(std::string(8 * 25, '\x09'))) + pngEnd()},
            {"cut.png", whole.substr(0, whole.size() - 9)},
            {"head.png", pngSignature() + chunk("IHDR", std::string(13, '\1')) + pngEnd()},
            {"cut.jpg", saved(path("good.jpg"), std::nullopt).substr(0, 400)},
            {"cut.tiff", saved(path("good.tiff"), std::nullopt).substr(0, 400)},
            {"cut.webp", saved(path("good.webp"), std::nullopt).substr(0, 60)}};
        for (const auto& [name, bytes] : files) {
            write(path(name), bytes);
            const fs::path printed = path("printed.txt");
            const int before = dup(STDERR_FILENO);
            const int file = ::open(printed.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
            QVERIFY(before >= 0 && file >= 0 && dup2(file, STDERR_FILENO) == STDERR_FILENO);
            const Result<Image> image = loadImage(path(name));
            (void)fflush(stderr);
            dup2(before, STDERR_FILENO);
            ::close(before);
            ::close(file);
            QCOMPARE(shown(bytesOf(printed)), QString());
            QVERIFY2(!image && !image.error().advice().empty(), name);
        }
    }

    void refusesAbsurdSizesBeforeMemoryIsTaken() {
        write(path("vast.png"), pngHead(2'000'000'000, 2'000'000'000) + pngPicture() + pngEnd());
        QVERIFY(!loadImage(path("vast.png")));
        write(path("large.png"), pngHead(16385, 1) + pngPicture() + pngEnd());
        const Result<Image> large = loadImage(path("large.png"));
        QVERIFY(!large);
        QVERIFY(large.error().code() == ErrorCode::Unsupported ||
                large.error().code() == ErrorCode::BadFile);
        // A BMP that claims 16384 x 16384 pixels in 54 bytes.
        std::string bmp("BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\0\x40\0\0\0\x40\0\0\x01\0\x18\0",
                        30);
        bmp.resize(54);
        write(path("small.bmp"), bmp);
        QVERIFY(!loadImage(path("small.bmp")));
    }
};

QTEST_GUILESS_MAIN(OddFilesTest)
#include "odd_files_test.moc"
