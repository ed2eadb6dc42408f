#include "app/cli/arguments.h"
#include "app/cli/command_examples.h"
#include "app/cli/help_text.h"
#include "app/cli/man_page.h"

#include <QProcess>
#include <QTest>

using namespace kinora::app;

class CommandExamplesTest : public QObject {
    Q_OBJECT

  private slots:
    void areUnderstood() {
        size_t count = 0;
        for (const CommandSpec& command : commands())
            for (const std::string_view line : examplesOf(command.name)) {
                ++count;
                QVERIFY2(line.size() <= 76, std::string(line).c_str());
                std::vector<std::string> words;
                for (const QString& word :
                     QProcess::splitCommand(QString::fromUtf8(line.data(), std::ssize(line))))
                    words.push_back(word.toStdString());
                QCOMPARE(words.at(0), std::string("kinora"));
                words.erase(words.begin());
                QCOMPARE(parseArguments(words).command->name, command.name);
            }
        QVERIFY(count > 10);
    }

    void standInHelpAndManPage() {
        const std::string line = "kinora models add ~/stable-diffusion-webui";
        const std::string help = helpText(findCommand("models"));
        QVERIFY(help.ends_with("\nFor example:\n  " + line +
                               "\n  kinora models\n  kinora models show dreamshaper_8\n"));
        QVERIFY(helpText(findCommand("devices")).find("For example") == std::string::npos);
        QVERIFY(manPage("1").find("kinora models add ~/stable\\-diffusion\\-webui\n") !=
                std::string::npos);
    }
};

QTEST_GUILESS_MAIN(CommandExamplesTest)
#include "command_examples_test.moc"
