#include "tests/app/cli/program_run.h"

#include <QTest>

using namespace kinora::app;

class DevicesCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void listsTheCpu() {
        const Run text = Home().run({"devices", "--threads", "1"});
        QVERIFY2(text.code == 0, text.err.constData());
        for (const char* part : {"cpu:", "Features", "Memory", "Precision"})
            QVERIFY2(text.out.contains(part), text.out.constData());
        const Run json = Home().run({"devices", "--threads", "1", "--json"});
        QCOMPARE(json.schemaBreach(), QString());
        const auto device = json.event("devices")["devices"][0];
        QCOMPARE(device["device"].get<std::string>(), std::string("cpu"));
        QCOMPARE(device["threads"].get<int>(), 1);
        QVERIFY(device["memoryBytes"].get<int64_t>() > (1 << 28));
        QVERIFY(device["availableBytes"] <= device["memoryBytes"]);
    }
};

QTEST_GUILESS_MAIN(DevicesCommandTest)
#include "devices_command_test.moc"
