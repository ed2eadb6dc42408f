#include "app/cli/arguments.h"
#include "kernels/base/error.h"

#include <QTest>

using namespace kinora;
using namespace kinora::app;

namespace {

std::vector<std::string> words(const char* line) {
    std::vector<std::string> list;
    for (const QString& word : QString::fromUtf8(line).split(u' ', Qt::SkipEmptyParts))
        list.push_back(word.toStdString());
    return list;
}

} // namespace

class ArgumentsTest : public QObject {
    Q_OBJECT

  private slots:
    void takesValuesApartAndWithEquals() {
        const Arguments arguments = parseArguments(words("image --prompt fox --steps=4 --json"));
        QCOMPARE(arguments.command, findCommand("image"));
        QCOMPARE(arguments.value("prompt"), std::optional<std::string>("fox"));
        QCOMPARE(arguments.value("steps"), std::optional<std::string>("4"));
        QVERIFY(arguments.has("json"));
        QVERIFY(!arguments.has("quiet"));
    }

    void takesOptionsBeforeTheCommand() {
        const Arguments arguments = parseArguments(words("--threads 2 --prompt fox image"));
        QCOMPARE(arguments.command, findCommand("image"));
        QCOMPARE(arguments.value("prompt"), std::optional<std::string>("fox"));
    }

    void keepsAnEmptyPromptAndOneThatBeginsWithADash() {
        QCOMPARE(parseArguments({"image", "--prompt", ""}).value("prompt"),
                 std::optional<std::string>(""));
        QCOMPARE(parseArguments({"image", "--prompt", "-5 degrees"}).value("prompt"),
                 std::optional<std::string>("-5 degrees"));
        QCOMPARE(parseArguments({"image", "--prompt=--steps"}).value("prompt"),
                 std::optional<std::string>("--steps"));
    }

    void keepsRepeatedFoldersInOrder() {
        const Arguments arguments = parseArguments(words("models --models a --models b"));
        QCOMPARE(arguments.values("models"), (std::vector<std::string>{"a", "b"}));
    }

    void endsOptionsAtTwoDashes() {
        const Arguments arguments = parseArguments(words("info -- --odd.png"));
        QCOMPARE(arguments.positional, (std::vector<std::string>{"--odd.png"}));
    }

    void refuses_data() {
        QTest::addColumn<QString>("line");
        QTest::addColumn<QString>("part");
        QTest::newRow("command") << "imgae" << "Did you mean image?";
        QTest::newRow("option") << "image --prompt x --stpes 4" << "Did you mean --steps?";
        QTest::newRow("short") << "image -x" << "Unknown option";
        QTest::newRow("later option") << "image --frames 9" << "Unknown option '--frames'";
        QTest::newRow("another's option") << "models --steps 4" << "Unknown option";
        QTest::newRow("no value") << "image --steps" << "--steps needs a value";
        QTest::newRow("lost value") << "image --prompt --steps 4" << "--prompt needs a value";
        QTest::newRow("flag value") << "image --json=1" << "takes no value";
        QTest::newRow("twice") << "image --steps 4 --steps 5" << "given twice";
        QTest::newRow("A1111's") << "image --cfg-scale 7" << "Did you mean --cfg?";
        QTest::newRow("diffusers'") << "image --negative-prompt x" << "Did you mean --negative?";
        QTest::newRow("not here") << "verify --denoise 1" << "Unknown option '--denoise'.";
        QTest::newRow("choice") << "image --sampler eulr" << "Did you mean euler?";
        QTest::newRow("extra") << "image fox" << "Unexpected argument 'fox'";
        QTest::newRow("missing") << "info" << "needs an argument";
        QTest::newRow("first") << "bench unte" << "Did you mean unet?";
    }
    void refuses() {
        QFETCH(QString, line);
        QFETCH(QString, part);
        try {
            parseArguments(words(line.toUtf8().constData()));
            QFAIL("accepted");
        } catch (const Error& error) {
            QVERIFY2(error.code() == ErrorCode::InvalidArgument, "code");
            QVERIFY2(QString::fromStdString(error.message()).contains(part), error.what());
        }
    }

    void refusesEmptyNamesAndPaths() {
        for (const CommandSpec& command : commands())
            for (const OptionSpec& option : command.options) {
                if (option.isFlag()) continue;
                std::vector<std::string> line{command.name, "--" + option.name, ""};
                line.insert(line.end(), command.minimumArguments > 0 ? 1 : 0,
                            command.firstChoices.empty() ? "x" : command.firstChoices[0]);
                const bool isText = option.name == "prompt" || option.name == "negative";
                if (isText)
                    QCOMPARE(*parseArguments(line).value(option.name), std::string());
                else
                    QVERIFY_EXCEPTION_THROWN(parseArguments(line), Error);
            }
        QVERIFY_EXCEPTION_THROWN(parseArguments({"info", ""}), Error);
        QVERIFY_EXCEPTION_THROWN(parseArguments({"models", "show", ""}), Error);
        QVERIFY_EXCEPTION_THROWN(parseArguments({"models", "--data="}), Error);
    }

    void asksForNoArgumentsBesideHelp() {
        QVERIFY(parseArguments(words("info --help")).has("help"));
        QVERIFY(parseArguments({"-h"}).has("help"));
        QVERIFY(parseArguments({"-V"}).has("version"));
    }

    void readsWholeNumbersInRange() {
        QCOMPARE(parseArguments(words("bench unet --repeat 7")).integer("repeat", 5, 1, 9),
                 int64_t{7});
        QCOMPARE(parseArguments(words("bench unet")).integer("repeat", 5, 1, 9), int64_t{5});
        for (const char* bad : {"0", "10", "x", "3x", "99999999999999999999", "-1", "1.5"}) {
            const Arguments arguments = parseArguments({"bench", "unet", "--repeat", bad});
            QVERIFY_EXCEPTION_THROWN(arguments.integer("repeat", 5, 1, 9), Error);
        }
    }
};

QTEST_GUILESS_MAIN(ArgumentsTest)
#include "arguments_test.moc"
