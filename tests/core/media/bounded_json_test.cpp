#include "core/media/bounded_json.h"
#include "tests/core/media/json_literal.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <string>

using namespace kinora;
using namespace kinora::core;
using samples::json;

class BoundedJsonTest : public QObject {
    Q_OBJECT

  private slots:
    void parsesWhatIsWithinBounds() {
        QCOMPARE((*parseBoundedJson(json("{'a': [1, ']]]]']}")))["a"][0].get<int>(), 1);
        QVERIFY(parseBoundedJson(std::string(64, '[') + std::string(64, ']')));
        QVERIFY(
            parseBoundedJson("\"" + std::string(1000, '[') + "\\\"" + std::string(99, '{') + "\""));
    }

    void refusesWhatIsNot_data() {
        QTest::addColumn<std::string>("text");
        QTest::addRow("empty") << std::string();
        QTest::addRow("cut short") << std::string("{\"a\":");
        QTest::addRow("deep") << std::string(65, '[') + std::string(65, ']');
        QTest::addRow("bomb") << std::string(5'000'000, '[');
        QTest::addRow("large") << "\"" + std::string(16U << 20, 'x') + "\"";
        QTest::addRow("invalid UTF-8") << std::string("\"\xFF\"");
        QTest::addRow("NaN") << std::string("[NaN]");
        QTest::addRow("backslash at the end") << std::string("\"a\\");
    }
    void refusesWhatIsNot() {
        QFETCH(std::string, text);
        const auto parsed = parseBoundedJson(text);
        QVERIFY(!parsed);
        QCOMPARE(parsed.error().code(), ErrorCode::BadFile);
    }

    void readsPythonsNumbersWhereAsked() {
        const auto parsed =
            parseBoundedJson(json("{'a': [NaN, -Infinity, Infinity], 'NaN': 'Infinity \\' NaN'}"),
                             NonFiniteNumbers::AsNull);
        QVERIFY(parsed);
        QCOMPARE(parsed->dump(),
                 std::string(json("{'NaN':'Infinity \\' NaN','a':[null,null,null]}")));
    }
};

QTEST_GUILESS_MAIN(BoundedJsonTest)
#include "bounded_json_test.moc"
