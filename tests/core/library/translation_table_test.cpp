// A table of texts that is searched in the file's own bytes.

#include "core/library/translation_table.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace kinora;
using namespace kinora::core;

namespace {

TranslationTable tableOf(const std::string& text, qsizetype subjects = 10) {
    const QTemporaryDir folder;
    const std::filesystem::path path = folder.path().toStdString() + "/vocabulary.tsv";
    std::ofstream(path) << text;
    return TranslationTable::read(path, subjects);
}

} // namespace

class TranslationTableTest : public QObject {
    Q_OBJECT

  private slots:
    void findsEveryLineAndNothingElse() {
        const auto table = tableOf("apfel\t1\napfelbaum\t2\nhund\t3\nроза\t4\n犬\t5\n犬小屋\t6\n");
        const char* texts[] = {"apfel", "apfelbaum", "hund", "роза", "犬", "犬小屋"};
        for (int i = 0; i < 6; ++i) QCOMPARE(table.find(QString::fromUtf8(texts[i])), i + 1);
        for (const char* text : {"", "a", "apfelb", "apfelx", "hun", "zz", "犬小", "犬小屋敷"})
            QCOMPARE(table.find(QString::fromUtf8(text)), -1);
        QCOMPARE(table.longestUnspaced(), 3);
        QCOMPARE(TranslationTable().find("apfel"), -1);
        QCOMPARE(tableOf("one\t7").find("one"), 7); // no line end at the last
    }

    void givesTheShortestOfEachSubject() {
        const auto table = tableOf("hund\t3\nhunde\t3\nhundebein\t4\nhundert\t5\nhut\t6\n");
        const auto found = table.beginningWith("hund", 2);
        QCOMPARE(found.size(), 2);
        QCOMPARE(found[0].text, QString("hund"));
        QCOMPARE(found[1].text, QString("hundert"));
        QCOMPARE(found[1].subject, 5);
        QVERIFY(table.beginningWith("hx", 2).isEmpty());
    }

    void refusesDamagedFiles_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("no tab") << QByteArray("a\t1\nb\n") << QByteArray("line 2");
        QTest::newRow("no text") << QByteArray("\t1\n") << QByteArray("line 1");
        QTest::newRow("empty line") << QByteArray("a\t1\n\nb\t1\n") << QByteArray("line 2");
        QTest::newRow("long") << QByteArray(201, 'a') + "\t1\n" << QByteArray("line 1");
        QTest::newRow("not a number") << QByteArray("a\t1x\n") << QByteArray("line 1");
        QTest::newRow("below zero") << QByteArray("a\t-1\n") << QByteArray("line 1");
        QTest::newRow("above") << QByteArray("a\t10\n") << QByteArray("line 1");
        QTest::newRow("overflow") << QByteArray("a\t99999999999\n") << QByteArray("line 1");
        QTest::newRow("unsorted") << QByteArray("b\t1\na\t1\n") << QByteArray("line 2");
        QTest::newRow("twice") << QByteArray("a\t1\na\t2\n") << QByteArray("line 2");
        QTest::newRow("bytes") << QByteArray("a\xff\t1\n") << QByteArray("UTF-8");
    }
    void refusesDamagedFiles() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, part);
        try {
            tableOf(text.toStdString());
            QFAIL("was read");
        } catch (const Error& error) {
            QVERIFY2(QByteArray(error.what()).contains(part), error.what());
        }
    }
};

QTEST_GUILESS_MAIN(TranslationTableTest)
#include "translation_table_test.moc"
