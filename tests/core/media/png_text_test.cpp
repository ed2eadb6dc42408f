// Text chunks of PNG files, built here byte by byte.

#include "core/media/png_text.h"
#include "tests/core/media/png_builder.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::samples;

namespace {

Result<PngSummary> read(const std::string& png) {
    return readPng(memorySource(std::as_bytes(std::span(png.data(), png.size()))));
}

std::string rewritten(const std::string& png, const std::vector<PngText>& texts) {
    const auto out = withPngTexts(std::as_bytes(std::span(png.data(), png.size())), texts);
    if (!out) return {};
    return {reinterpret_cast<const char*>(out->data()), out->size()};
}

} // namespace

class PngTextTest : public QObject {
    Q_OBJECT

  private slots:
    void readsEachKindOfText() {
        const std::string text = "caf\xE9";
        const std::string png =
            pngHead(7, 5) + chunk("tEXt", "plain" + nul() + text) +
            chunk("zTXt", "packed" + nul() + nul() + deflated(text)) +
            chunk("iTXt",
                  "wide" + nul() + nul() + nul() + "en" + nul() + "key" + nul() + "\xE8\xB5\xA4") +
            chunk("iTXt",
                  "both" + nul() + "\x01" + nul() + nul() + nul() + deflated("\xF0\x9F\x8D\x8E")) +
            pngPicture() + chunk("tEXt", "behind" + nul() + "the picture") + pngEnd();
        const auto summary = read(png);
        QVERIFY2(summary, summary ? "" : summary.error().what());
        QCOMPARE(summary->width, 7);
        QCOMPARE(summary->height, 5);
        QCOMPARE(summary->texts.size(), size_t{5});
        QCOMPARE(summary->texts[0].key, std::string("plain"));
        QCOMPARE(summary->texts[0].text, std::string("caf\xC3\xA9"));
        QCOMPARE(summary->texts[1].text, std::string("caf\xC3\xA9"));
        QCOMPARE(summary->texts[2].text, std::string("\xE8\xB5\xA4"));
        QCOMPARE(summary->texts[3].text, std::string("\xF0\x9F\x8D\x8E"));
        QCOMPARE(summary->texts[4].text, std::string("the picture"));
        QVERIFY(summary->problems.empty());
    }

    void refusesAHeaderThatTheDataCannotFill() {
        for (const int side : {0x7FFFFFFF, 20'000}) {
            const auto summary = read(pngHead(side, side) + pngPicture() + pngEnd());
            QVERIFY(!summary);
            QVERIFY(summary.error().message().find("cannot hold so many") != std::string::npos);
            QVERIFY(summary.error().message().find(std::to_string(side)) != std::string::npos);
        }
    }

    void refusesAKindOfPixelsThatThereIsNot() {
        const std::string size = bigEndian(8) + bigEndian(8);
        const auto depthAndColor = [&](int depth, int color) {
            return pngSignature() +
                   chunk("IHDR", size + static_cast<char>(depth) + static_cast<char>(color) +
                                     std::string(3, '\0')) +
                   pngPicture() + pngEnd();
        };
        for (const auto& [depth, color] :
             {std::pair{8, 7}, {8, 1}, {3, 0}, {4, 2}, {16, 3}, {0, 6}})
            QVERIFY(!read(depthAndColor(depth, color)));
        for (const auto& [depth, color] : {std::pair{1, 0}, {16, 2}, {4, 3}, {8, 4}, {16, 6}})
            QVERIFY(read(depthAndColor(depth, color)));
    }

    void passesOverDamagedTexts_data() {
        QTest::addColumn<std::string>("bad");
        std::string flipped = chunk("tEXt", "key" + nul() + "text");
        flipped[12] ^= 1;
        QTest::addRow("wrong checksum") << flipped;
        QTest::addRow("no key") << chunk("tEXt", nul() + "text");
        QTest::addRow("no end of the key") << chunk("tEXt", "text");
        QTest::addRow("a long key") << chunk("tEXt", std::string(80, 'k') + nul() + "text");
        QTest::addRow("empty") << chunk("tEXt", "");
        QTest::addRow("no deflate stream") << chunk("zTXt", "key" + nul() + nul() + "text");
        QTest::addRow("unknown method") << chunk("zTXt", "key" + nul() + "\x01" + deflated("x"));
        QTest::addRow("cut stream")
            << chunk("zTXt", "key" + nul() + nul() + deflated(std::string(999, 'a')).substr(0, 9));
        QTest::addRow("iTXt without fields") << chunk("iTXt", "key" + nul() + nul() + nul());
        QTest::addRow("iTXt with a strange flag")
            << chunk("iTXt", "key" + nul() + "\x02" + nul() + nul() + nul() + "x");
        QTest::addRow("bomb") << chunk("zTXt", "key" + nul() + nul() +
                                                   deflated(std::string(40U << 20, 'a')));
    }
    void passesOverDamagedTexts() {
        QFETCH(std::string, bad);
        const auto summary = read(pngHead(1, 1) + bad + chunk("tEXt", "good" + nul() + "text") +
                                  pngPicture() + pngEnd());
        QVERIFY2(summary, summary ? "" : summary.error().what());
        QCOMPARE(summary->problems.size(), size_t{1});
        QCOMPARE(summary->texts.size(), size_t{1});
        QCOMPARE(summary->texts[0].key, std::string("good"));
    }

    void boundsWhatManyBombsUnpackTo() {
        std::string png = pngHead(1, 1);
        const std::string bomb =
            chunk("zTXt", "k" + nul() + nul() + deflated(std::string(12U << 20, 'a')));
        for (int i = 0; i < 60; ++i) png += bomb;
        const auto summary = read(png + pngPicture() + pngEnd());
        QVERIFY(summary);
        size_t total = 0;
        for (const PngText& text : summary->texts) total += text.text.size();
        QVERIFY(total <= 64U << 20);
        QVERIFY(!summary->problems.empty());
    }

    void refusesWhatIsNoWholePng_data() {
        QTest::addColumn<std::string>("bytes");
        const std::string whole = pngHead(1, 1) + pngPicture() + pngEnd();
        QTest::addRow("nothing") << std::string();
        QTest::addRow("signature alone") << whole.substr(0, 8);
        QTest::addRow("cut in the header") << whole.substr(0, 20);
        QTest::addRow("cut in the picture") << whole.substr(0, 45);
        QTest::addRow("no end") << pngHead(1, 1) + pngPicture();
        QTest::addRow("no picture") << pngHead(1, 1) + pngEnd();
        QTest::addRow("no header") << pngSignature() + pngPicture() + pngEnd();
        QTest::addRow("zero width") << pngHead(0, 1) + pngPicture() + pngEnd();
        QTest::addRow("negative height") << pngHead(1, -1) + pngPicture() + pngEnd();
        std::string flipped = whole;
        flipped[18] ^= 1;
        QTest::addRow("header with a wrong checksum") << flipped;
        QTest::addRow("length past the end")
            << pngHead(1, 1) + std::string("\x7F\xFF\xFF\xFFtEXtabc", 11) + pngEnd();
        QTest::addRow("length of 4 GiB")
            << pngHead(1, 1) + std::string("\xFF\xFF\xFF\xFFtEXtabc", 11) + pngEnd();
        QTest::addRow("no chunk name")
            << pngHead(1, 1) + std::string("\0\0\0\0\1\2\3\4\0\0\0\0", 12) + pngEnd();
    }
    void refusesWhatIsNoWholePng() {
        QFETCH(std::string, bytes);
        const auto summary = read(bytes);
        QVERIFY(!summary);
        QCOMPARE(summary.error().code(), ErrorCode::BadFile);
    }

    void writesLatin1AsTextAndTheRestAsInternationalText() {
        const std::string png = pngHead(3, 2) + pngPicture() + pngEnd();
        const std::string out = rewritten(png, {{"parameters", "caf\xC3\xA9\nSteps: 4"},
                                                {"wide", "\xE8\xB5\xA4"},
                                                {"tab", "a\tb"},
                                                {"XML:com.adobe.xmp", "<x/>"}});
        QVERIFY(out.find("tEXtparameters" + nul() + "caf\xE9\nSteps: 4") != std::string::npos);
        QVERIFY(out.find("iTXtwide") != std::string::npos);
        QVERIFY(out.find("iTXttab") != std::string::npos);
        QVERIFY(out.find("iTXtXML:com.adobe.xmp") != std::string::npos);
        QVERIFY(out.find("parameters") < out.find("IDAT"));
        const auto summary = read(out);
        QCOMPARE(summary->texts.size(), size_t{4});
        QVERIFY(summary->problems.empty());
        QCOMPARE(summary->texts[0].text, std::string("caf\xC3\xA9\nSteps: 4"));
        QCOMPARE(summary->texts[1].text, std::string("\xE8\xB5\xA4"));
    }

    void keepsColourAndDropsOtherTextAndTime() {
        const std::string png = pngHead(3, 2) + chunk("sRGB", nul()) +
                                chunk("tEXt", "Software" + nul() + "other") +
                                chunk("tIME", std::string(7, '\1')) + pngPicture() +
                                chunk("tEXt", "late" + nul() + "other") + pngEnd();
        const std::string out = rewritten(png, {});
        QCOMPARE(out.find("other"), std::string::npos);
        QCOMPARE(out.find("tIME"), std::string::npos);
        QVERIFY(out.find("sRGB") != std::string::npos);
        QVERIFY(read(out));
    }
};

QTEST_GUILESS_MAIN(PngTextTest)
#include "png_text_test.moc"
