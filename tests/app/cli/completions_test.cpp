#include "app/cli/command_table.h"
#include "app/cli/completions.h"

#include <QProcess>
#include <QStandardPaths>
#include <QTest>

using namespace kinora::app;

class CompletionsTest : public QObject {
    Q_OBJECT

  private slots:
    void everyShellKnowsEveryOption() {
        for (const char* shell : {"bash", "zsh", "fish"}) {
            const std::string text = completions(shell);
            for (const CommandSpec& command : commands()) {
                QVERIFY(text.find(command.name) != std::string::npos);
                for (const OptionSpec& option : command.options)
                    QVERIFY2(text.find(option.name) != std::string::npos, option.name.c_str());
            }
        }
        QVERIFY(completions("tcsh").empty());
    }

    // Bash is on every system that builds this; the other shells often are not.
    void bashCompletesWhatIsTyped_data() {
        QTest::addColumn<QString>("words");
        QTest::addColumn<int>("at");
        QTest::addColumn<QString>("found");
        QTest::newRow("command") << "kinora ver" << 1 << "verify";
        QTest::newRow("option") << "kinora image --guid" << 2 << "--guidance-rescale";
        QTest::newRow("choice") << "kinora image --sampler eul" << 3 << "euler euler_a";
        QTest::newRow("argument") << "kinora bench un" << 2 << "unet";
    }
    void bashCompletesWhatIsTyped() {
        QFETCH(QString, words);
        QFETCH(int, at);
        QFETCH(QString, found);
        const QString script = QString::fromStdString(completions("bash")) +
                               QStringLiteral("\nCOMP_WORDS=(%1)\nCOMP_CWORD=%2\n_kinora\n"
                                              "echo \"${COMPREPLY[*]}\"\n")
                                   .arg(words)
                                   .arg(at);
        QProcess bash;
        bash.start(QStringLiteral("bash"), {QStringLiteral("-c"), script});
        QVERIFY(bash.waitForFinished());
        QCOMPARE(QString::fromUtf8(bash.readAllStandardError()), QString());
        QCOMPARE(QString::fromUtf8(bash.readAllStandardOutput()).trimmed(), found);
    }
};

QTEST_GUILESS_MAIN(CompletionsTest)
#include "completions_test.moc"
