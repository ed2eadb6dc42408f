#include "app/cli/command_table.h"
#include "app/cli/man_page.h"

#include <QTest>

using namespace kinora::app;

class ManPageTest : public QObject {
    Q_OBJECT

  private slots:
    void namesEveryCommandAndOption() {
        const std::string page = manPage("1.2.3");
        QVERIFY(page.find("1.2.3") != std::string::npos);
        for (const CommandSpec& command : commands()) {
            QVERIFY(page.find(".SS kinora " + command.name) != std::string::npos);
            for (const OptionSpec& option : command.options) {
                std::string name = option.name;
                for (size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2)
                    name.insert(at, "\\");
                QVERIFY2(page.find("\\fB\\-\\-" + name + "\\fR") != std::string::npos,
                         option.name.c_str());
            }
        }
    }

    // A line that begins with a dot and is no macro would be swallowed.
    void everyMacroIsKnown() {
        const QStringList known{".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".nf", ".fi"};
        for (const QString& line : QString::fromStdString(manPage("1")).split(u'\n'))
            if (line.startsWith(u'.'))
                QVERIFY2(known.contains(line.section(u' ', 0, 0)), qPrintable(line));
    }
};

QTEST_GUILESS_MAIN(ManPageTest)
#include "man_page_test.moc"
