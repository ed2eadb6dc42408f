#include "app/cli/help_text.h"

#include <QTest>

using namespace kinora::app;

class HelpTextTest : public QObject {
    Q_OBJECT

  private slots:
    void staysWithinEightyColumns() {
        std::string all = helpText(nullptr);
        for (const CommandSpec& command : commands()) all += helpText(&command);
        for (const QString& line : QString::fromStdString(all).split(u'\n'))
            QVERIFY2(line.size() <= 84, qPrintable(line));
    }

    void namesEveryCommandAndOption() {
        const std::string program = helpText(nullptr);
        for (const CommandSpec& command : commands()) {
            QVERIFY(program.find(command.summary) != std::string::npos);
            const std::string text = helpText(&command);
            for (const OptionSpec& option : command.options)
                QVERIFY2(text.find("--" + option.name) != std::string::npos, option.name.c_str());
        }
    }

    void wrapsAtWords() {
        QCOMPARE(wrapped("one two three", 7, 2), std::string("one two\n  three"));
        QCOMPARE(wrapped("unbreakable", 4, 0), std::string("unbreakable"));
        QCOMPARE(wrapped("", 4, 0), std::string());
    }
};

QTEST_GUILESS_MAIN(HelpTextTest)
#include "help_text_test.moc"
