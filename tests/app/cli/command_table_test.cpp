#include "app/cli/command_table.h"
#include "pipelines/request/parameters.h"

#include <QTest>

#include <set>

using namespace kinora::app;

class CommandTableTest : public QObject {
    Q_OBJECT

  private slots:
    void everyParameterIsAnOptionOfImage() {
        const CommandSpec* image = findCommand("image");
        QVERIFY(image);
        for (const auto& parameter : kinora::pipelines::imageParameters()) {
            const OptionSpec* option = findOption(image, parameter.option);
            QVERIFY2(option, std::string(parameter.option).c_str());
            QCOMPARE(option->help, std::string(parameter.help));
            QCOMPARE(option->choices.size(), parameter.choices.size());
            QVERIFY(!option->isFlag());
        }
    }

    void namesAreUnique() {
        for (const CommandSpec& command : commands()) {
            std::set<std::string> names;
            for (const OptionSpec& option : globalOptions()) names.insert(option.name);
            for (const OptionSpec& option : command.options)
                QVERIFY2(names.insert(option.name).second, option.name.c_str());
        }
    }

    void findsGlobalOptionsWithEveryCommand() {
        QVERIFY(findOption(findCommand("devices"), "json"));
        QVERIFY(!findOption(findCommand("devices"), "steps"));
        QVERIFY(!findCommand("nothing"));
    }

    void nearestFindsTypingErrorsOnly() {
        const std::vector<std::string> names{"steps", "sampler", "seed", "guidance-rescale"};
        QCOMPARE(nearest("stpes", names), std::string("steps"));
        QCOMPARE(nearest("sede", names), std::string("seed"));
        QCOMPARE(nearest("guidance", names), std::string("guidance-rescale"));
        QCOMPARE(nearest("xyz", names), std::string());
        QCOMPARE(nearest("", names), std::string());
        QCOMPARE(nearest(std::string(100000, 's'), names), std::string());
    }
};

QTEST_GUILESS_MAIN(CommandTableTest)
#include "command_table_test.moc"
