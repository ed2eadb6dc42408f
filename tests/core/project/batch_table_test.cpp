#include "core/media/text_encoding.h"
#include "core/project/batch_table.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;
using namespace std::string_literals;

namespace {

// "prompt=a fox;seed=7 | ..." of the rows.
QString told(const Result<BatchTable>& table) {
    if (!table) return QString::fromStdString("error: " + table.error().message());
    std::string text;
    for (const BatchRow& row : table->rows) {
        if (!text.empty()) text += " | ";
        std::string fields;
        for (const auto& [parameter, value] : row.values)
            fields += (fields.empty() ? "" : ";") + std::string(parameter->name) + "=" + value;
        text += fields + (row.note.empty() ? "" : " (" + row.note + ")");
    }
    return QString::fromStdString(text);
}

std::string utf16(const std::string& text, bool big, bool mark) {
    std::string wide = utf8ToUtf16Be((mark ? "\xEF\xBB\xBF" : "") + text);
    if (!big)
        for (size_t i = 0; i + 1 < wide.size(); i += 2) std::swap(wide[i], wide[i + 1]);
    return wide;
}

} // namespace

class BatchTableTest : public QObject {
    Q_OBJECT

  private slots:
    void readsEveryDialect_data() {
        QTest::addColumn<QByteArray>("bytes");
        const auto row = [](const char* name, const std::string& bytes) {
            QTest::newRow(name) << QByteArray::fromStdString(bytes);
        };
        const std::string comma = "prompt,cfg,seed\n\"a fox, caf\u00e9\",7.5,3\nb,,\n";
        const std::string semicolon = "prompt;cfg;seed\na fox, caf\u00e9;7,5;3\nb;;\n";
        row("commas", comma);
        row("no last line end", comma.substr(0, comma.size() - 1));
        row("semicolons and decimal commas", semicolon);
        row("tabs", "prompt\tcfg\tseed\na fox, caf\u00e9\t7.5\t3\nb\t\t\n");
        row("bars", "prompt|cfg|seed\na fox, caf\u00e9|7.5|3\nb||\n");
        row("CRLF", "prompt,cfg,seed\r\n\"a fox, caf\u00e9\",7.5,3\r\nb,,\r\n");
        row("CR", "prompt,cfg,seed\r\"a fox, caf\u00e9\",7.5,3\rb,,\r");
        row("empty lines", "\n" + comma + "\n\n");
        row("a mark of UTF-8", "\xEF\xBB\xBF" + comma);
        row("sep line", "sep=;\r\n" + semicolon);
        row("short records", "prompt,cfg,seed\n\"a fox, caf\u00e9\",7.5,3\nb\n");
        row("labels as names", "Prompt,Guidance scale,SEED\n\"a fox, caf\u00e9\",7.5,3\nb,,\n");
        row("spaces around", "prompt , cfg , seed\n\"a fox, caf\u00e9\" , 7.5 , 3 \nb,,\n");
        row("UTF-16 little", utf16(comma, false, true));
        row("UTF-16 big", utf16(comma, true, true));
        row("UTF-16 without a mark", utf16(comma, false, false));
        row("Latin-1", *utf8ToLatin1(comma));
        row("passed over", "#id,prompt,cfg,#why,seed\n1,\"a fox, caf\u00e9\",7.5,x,3\n2,b,,,\n");
    }
    void readsEveryDialect() {
        QFETCH(QByteArray, bytes);
        QCOMPARE(told(parseBatchTable(bytes.toStdString(), ".csv")),
                 QString("prompt=a fox, caf\u00e9;cfg=7.5;seed=3 | prompt=b"));
    }

    void quotesHoldSeparatorsQuotesAndLines() {
        QCOMPARE(told(parseBatchTable("prompt,note\n\"a \"\"red\"\"\nfox\",\"x,y\"\n", ".csv")),
                 QString("prompt=a \"red\"\nfox (x,y)"));
    }

    void windowsQuotesAreRead() {
        QCOMPARE(told(parseBatchTable("prompt,seed\n\x93"
                                      "fox\x94 \x80,1\n",
                                      ".csv")),
                 QString("prompt=\u201cfox\u201d \u20ac;seed=1"));
    }

    void readsJsonLinesAndPrompts() {
        QCOMPARE(told(parseBatchTable("{\"prompt\":\"a\",\"seed\":18446744073709551615}\n\r\n"
                                      "{\"guidance-rescale\":0.5,\"negative\":null,\"note\":\"n\"}",
                                      ".jsonl")),
                 QString("prompt=a;seed=18446744073709551615 | guidanceRescale=0.5 (n)"));
        QCOMPARE(told(parseBatchTable("a fox\r\n\r\n# no\n  b, c  \n", ".TXT")),
                 QString("prompt=a fox | prompt=b, c"));
    }

    void saysLineAndColumn_data() {
        QTest::addColumn<QString>("extension");
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* extension, const char* text, const char* message) {
            QTest::newRow(message) << QString(extension) << QString(text) << QString(message);
        };
        row(".csv", "prompt,stepz\na,1\n", "line 1: there is no parameter 'stepz'");
        row(".csv", "\n\nprompt,seed,Seed\n", "line 3: two columns are seed");
        row(".csv", "a fox\nb\n", "line 1: there is no parameter 'a fox'");
        row(".csv", "#a,note\n1,2\n", "line 1: no column is a parameter");
        row(".csv", "prompt,seed\na,1\nb,2,3\n", "line 3: has more fields");
        row(".csv", "prompt\n\"a\nb\n", "line 2 has a quote that does not end");
        row(".csv", "prompt\n\"a\"b\n", "line 2 has characters after a quoted field");
        row(".csv", "prompt,save-latents\na,b\n", "line 1: there is no parameter 'save-latents'");
        row(".jsonl", "{\"prompt\":\"a\"}\n[1]\n", "line 2: is not a JSON object");
        row(".jsonl", "{\"prompt\":{}}\n", "line 1: prompt is neither a text nor a number");
        row(".jsonl", "{\"prompt\":\n", "line 1: the JSON text is malformed");
        row(".xls", "x", "no table that is known");
    }
    void saysLineAndColumn() {
        QFETCH(QString, extension);
        QFETCH(QString, text);
        QFETCH(QString, message);
        const QString found = told(parseBatchTable(text.toStdString(), extension.toStdString()));
        QVERIFY2(found.startsWith("error: ") && found.contains(message), qPrintable(found));
    }

    void refusesBinaryFilesAndEmptyOnes() {
        QVERIFY(!parseBatchTable("prompt\na\0b\xFF\xFE\x01"s, ".csv"));
        const test::TemporaryFolder folder;
        QVERIFY(!readBatchTable(folder.write("empty.csv", "")));
        QVERIFY(!readBatchTable(folder.write("head.csv", "prompt,seed\n")));
        QVERIFY(!readBatchTable(folder.path() / "none.csv"));
        QVERIFY(!readBatchTable(folder.path()));
        const auto good = readBatchTable(folder.write("good.csv", "prompt\na\n"));
        QVERIFY(good);
        QCOMPARE(good->file, std::string("good.csv"));
    }
};

QTEST_GUILESS_MAIN(BatchTableTest)
#include "batch_table_test.moc"
