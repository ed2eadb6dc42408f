#include "core/media/text_encoding.h"

#include <QTest>

#include <string>

using namespace kinora::core;

class TextEncodingTest : public QObject {
    Q_OBJECT

  private slots:
    void repairsIllFormedText_data() {
        QTest::addColumn<std::string>("bytes");
        QTest::addColumn<std::string>("repaired");
        const std::string mark = "\xEF\xBF\xBD";
        QTest::addRow("good") << std::string("a\xF0\x9F\x8D\x8E")
                              << std::string("a\xF0\x9F\x8D\x8E");
        QTest::addRow("stray") << std::string("a\x80z") << "a" + mark + "z";
        QTest::addRow("cut") << std::string("a\xE8\xB5") << "a" + mark + mark;
        QTest::addRow("overlong") << std::string("\xC0\xAF") << mark + mark;
        QTest::addRow("surrogate") << std::string("\xED\xA0\x80") << mark + mark + mark;
        QTest::addRow("too high") << std::string("\xF4\x90\x80\x80") << mark + mark + mark + mark;
        QTest::addRow("FF") << std::string("\xFF") << mark;
    }
    void repairsIllFormedText() {
        QFETCH(std::string, bytes);
        QFETCH(std::string, repaired);
        QCOMPARE(repairedUtf8(bytes), repaired);
    }

    void convertsLatin1() {
        QCOMPARE(latin1ToUtf8("caf\xE9"), std::string("caf\xC3\xA9"));
        QCOMPARE(*utf8ToLatin1("caf\xC3\xA9"), std::string("caf\xE9"));
        QVERIFY(!utf8ToLatin1("\xE8\xB5\xA4"));
        QVERIFY(!utf8ToLatin1("\xFF"));
        QCOMPARE(utf8OrLatin1("caf\xE9"), std::string("caf\xC3\xA9"));
        QCOMPARE(utf8OrLatin1("caf\xC3\xA9"), std::string("caf\xC3\xA9"));
    }

    void convertsUtf16InEitherOrder() {
        const std::string text = "a \xE8\xB5\xA4 \xF0\x9F\x8D\x8E";
        const std::string big = utf8ToUtf16Be(text);
        QCOMPARE(big.substr(0, 4), std::string("\0a\0 ", 4));
        QCOMPARE(utf16ToUtf8(big), text);
        std::string little = big;
        for (size_t i = 0; i + 1 < little.size(); i += 2) std::swap(little[i], little[i + 1]);
        QCOMPARE(utf16ToUtf8(little), text);
        QCOMPARE(utf16ToUtf8("\xFF\xFE" + little), text);
        QCOMPARE(utf16ToUtf8("\xFE\xFF" + big), text);
        QCOMPARE(utf16ToUtf8(std::string("\xD8\x3C\0x\0", 5)), std::string("\xEF\xBF\xBDx"));
        QCOMPARE(utf16ToUtf8(""), std::string());
    }

    void trims() {
        QCOMPARE(trimmed(std::string("\0 \n a\0b \r\n", 10)), std::string("ab"));
        QCOMPARE(trimmed(" \n"), std::string());
    }
};

QTEST_GUILESS_MAIN(TextEncodingTest)
#include "text_encoding_test.moc"
