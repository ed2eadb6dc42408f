#include "core/media/xmp.h"

#include <QTest>

#include <string>

using namespace kinora::core;

namespace {

std::span<const std::byte> bytesOf(const std::string& text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

} // namespace

class XmpTest : public QObject {
    Q_OBJECT

  private slots:
    void survivesTheWayThere() {
        XmpContent content;
        content.creatorTool = "kinora 0.1.0 <&>";
        content.digitalSourceType = kTrainedAlgorithmicMedia;
        content.kinoraJson = "{\"prompt\":\"<b>&amp; \xF0\x9F\x8D\x8E\\n\"}";
        content.extension = "0123";
        const XmpContent read = parseXmp(xmpPacket(content));
        QCOMPARE(read.creatorTool, content.creatorTool);
        QCOMPARE(read.digitalSourceType, content.digitalSourceType);
        QCOMPARE(read.kinoraJson, content.kinoraJson);
        QCOMPARE(read.extension, content.extension);
        QCOMPARE(xmpPacket(content).size() % 2, size_t{0});
    }

    void readsPropertiesThatAreAttributes() {
        const XmpContent read = parseXmp(
            "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><r:Description "
            "xmlns:e='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' e:DigitalSourceType='some'/>"
            "</r:RDF>");
        QCOMPARE(read.digitalSourceType, std::string("some"));
    }

    void standsHostilePackets() {
        std::string bomb = "<!DOCTYPE a [<!ENTITY a '";
        bomb += std::string(1000, 'x') + "'>]><a>&a;&a;&a;</a>";
        QVERIFY(parseXmp(bomb).kinoraJson.empty());
        std::string deep;
        for (int i = 0; i < 100'000; ++i) deep += "<a>";
        QVERIFY(parseXmp(deep).kinoraJson.empty());
        QVERIFY(parseXmp("").kinoraJson.empty());
        QVERIFY(parseXmp("<a").kinoraJson.empty());
        QVERIFY(parseXmp("\xFF\xFE\0<").kinoraJson.empty());
    }

    void splitsLongPacketsOverSegments() {
        const std::string jpeg("\xFF\xD8\xFF\xE0\x00\x04xx\xFF\xDB\x00\x03q\xFF\xDA\x00\x02", 17);
        std::string extension;
        for (int i = 0; i < 40'000; ++i) extension += std::to_string(i);
        const std::vector<std::byte> out = withExtendedXmp(bytesOf(jpeg), extension);
        const std::string name = extendedXmpName(extension);
        QCOMPARE(name.size(), size_t{32});
        QCOMPARE(extendedXmp(out, name), extension);
        QVERIFY(extendedXmp(out, std::string(32, 'A')).empty());
        // Cut and changed: nothing rather than something wrong.
        std::vector<std::byte> changed = out;
        changed[200] ^= std::byte{1};
        QVERIFY(extendedXmp(changed, name).empty());
        for (const size_t size : {0U, 1U, 2U, 10U, 100U, 70'000U}) {
            QVERIFY(extendedXmp(std::span(out).first(size), name).empty());
        }
    }
};

QTEST_GUILESS_MAIN(XmpTest)
#include "xmp_test.moc"
