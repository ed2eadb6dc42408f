// Colour profiles whose tags lie outside them are refused before a library reads them.

#include "core/media/icc_profile.h"
#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "tests/core/media/media_samples.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <fstream>
#include <vector>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::samples;
namespace fs = std::filesystem;

class IccProfileTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_dir;
    using Bytes = std::vector<uint8_t>;

    static void put(Bytes& bytes, size_t at, uint32_t value) {
        for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
    }
    // A profile of one tag, at byte 144, with a text of 8 bytes.
    static Bytes profile(const char* type) {
        Bytes bytes(200);
        put(bytes, 0, 200);
        put(bytes, 128, 1);
        put(bytes, 136, 144);
        put(bytes, 140, 56);
        std::copy_n(type, 4, bytes.begin() + 144);
        if (std::string(type) == "desc") {
            put(bytes, 152, 8);
        } else {
            put(bytes, 152, 1);
            put(bytes, 156, 12);
            put(bytes, 164, 8);
            put(bytes, 168, 28);
        }
        return bytes;
    }
    static Bytes with(Bytes bytes, size_t at, uint32_t value) {
        put(bytes, at, value);
        return bytes;
    }

  private slots:
    void takesSoundProfiles() {
        QVERIFY(isSoundIccProfile(profile("desc")));
        QVERIFY(isSoundIccProfile(profile("mluc")));
        QVERIFY(isSoundIccProfile(profile("XYZ ")));
    }

    void refusesWhatLiesOutside_data() {
        QTest::addColumn<Bytes>("bytes");
        QTest::addRow("cut short") << Bytes(131);
        QTest::addRow("empty") << Bytes();
        QTest::addRow("longer than it is") << with(profile("desc"), 0, 201);
        QTest::addRow("many tags") << with(profile("desc"), 128, 0xffffffff);
        QTest::addRow("more tags than bytes") << with(profile("desc"), 128, 10);
        QTest::addRow("tag beyond the end") << with(profile("desc"), 136, 145);
        QTest::addRow("tag far away") << with(profile("desc"), 136, 0xffffff00);
        QTest::addRow("long tag") << with(profile("desc"), 140, 0xffffffff);
        QTest::addRow("short tag") << with(profile("desc"), 140, 4);
        QTest::addRow("long text") << with(profile("desc"), 152, 45);
        QTest::addRow("very long text") << with(profile("desc"), 152, 0xffffffff);
        QTest::addRow("many records") << with(profile("mluc"), 152, 5);
        QTest::addRow("odd records") << with(profile("mluc"), 156, 13);
        QTest::addRow("long record") << with(profile("mluc"), 164, 29);
        QTest::addRow("record far away") << with(profile("mluc"), 168, 0xfffffffc);
    }
    void refusesWhatLiesOutside() {
        QFETCH(Bytes, bytes);
        QVERIFY(!isSoundIccProfile(bytes));
    }

    void findsTheProfileInEachKindOfFile_data() {
        QTest::addColumn<QString>("name");
        for (const char* name : {"a.jpg", "a.tiff", "a.webp"}) QTest::addRow("%s", name) << name;
    }
    void findsTheProfileInEachKindOfFile() {
        QFETCH(QString, name);
        const fs::path path = m_dir.filePath(name).toStdString();
        QVERIFY(saveImage(picture(24, 16, 3), path,
                          {*imageFormatFromPath(path), Overwrite::Yes, std::nullopt}));
        QVERIFY(loadImage(path));
        std::string bytes = bytesOf(path);
        if (name == "a.webp") { // which is written without one
            const Bytes odd = with(profile("desc"), 128, 0x7f000000);
            bytes.insert(12,
                         std::string("ICCP\xc8\0\0\0", 8) + std::string(odd.begin(), odd.end()));
        } else { // "acsp" is byte 36 of every profile; TIFF files keep an outdated copy
            size_t at = bytes.find("acsp");
            QVERIFY(at != std::string::npos);
            for (; at != std::string::npos; at = bytes.find("acsp", at + 1))
                bytes[at - 36 + 128] = '\x7f'; // very many tags
        }
        std::ofstream(path, std::ios::binary) << bytes;
        const Result<Image> image = loadImage(path);
        QVERIFY(!image);
        QVERIFY2(image.error().message().find("colour profile") != std::string::npos,
                 image.error().what());
        const Result<PictureInfo> info = readPictureInfo(path);
        QVERIFY(!info);
        QCOMPARE(info.error().code(), ErrorCode::BadFile);
    }
};

QTEST_GUILESS_MAIN(IccProfileTest)
#include "icc_profile_test.moc"
