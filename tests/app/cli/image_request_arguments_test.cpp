#include "app/cli/image_request_arguments.h"
#include "kernels/base/error.h"

#include <QTest>

#include <sstream>

using namespace kinora;
using namespace kinora::app;

namespace {

pipelines::ImageRequest request(const std::vector<std::string>& words,
                                const std::string& input = {}) {
    std::istringstream stream(input);
    return imageRequestFromArguments(parseArguments(words), stream);
}

std::string refusal(const std::vector<std::string>& words, const std::string& input = {}) {
    try {
        request(words, input);
    } catch (const Error& error) {
        return error.message();
    }
    return "accepted";
}

} // namespace

class ImageRequestArgumentsTest : public QObject {
    Q_OBJECT

  private slots:
    void fillsWhatIsGivenAndLeavesTheRest() {
        const auto made = request({"image", "--prompt", "a fox", "--steps", "4", "--cfg", "5.5",
                                   "--seed", "9223372036854775807", "--background", "white"});
        QCOMPARE(made.prompt, std::string("a fox"));
        QCOMPARE(made.steps, std::optional<int64_t>(4));
        QCOMPARE(made.cfg, std::optional<double>(5.5));
        QCOMPARE(made.seed, std::optional<int64_t>(9223372036854775807LL));
        QCOMPARE(made.background, std::string("white"));
        QVERIFY(!made.width);
        QVERIFY(!made.sampler);
    }

    void readsThePromptFromInput() {
        QCOMPARE(request({"image", "--prompt", "-"}, "a fox\nin snow\r\n").prompt,
                 std::string("a fox\nin snow"));
    }

    void refusesALongInputWithoutReadingItAll() {
        std::istringstream stream(std::string(size_t{1} << 22, 'x'));
        QVERIFY_EXCEPTION_THROWN(
            imageRequestFromArguments(parseArguments({"image", "--prompt", "-"}), stream), Error);
        QVERIFY(stream.tellg() < std::streampos(2 << 20));
    }

    void namesTheOption_data() {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<QString>("part");
        QTest::newRow("none") << QStringList{} << "There is no prompt";
        QTest::newRow("steps") << QStringList{"--prompt", "x", "--steps", "0"} << "--steps:";
        QTest::newRow("rescale") << QStringList{"--prompt", "x", "--guidance-rescale", "7"}
                                 << "--guidance-rescale:";
        QTest::newRow("width") << QStringList{"--prompt", "x", "--width", "99"} << "--width:";
        QTest::newRow("number") << QStringList{"--prompt", "x", "--cfg", "strong"} << "--cfg:";
        QTest::newRow("nan") << QStringList{"--prompt", "x", "--cfg", "nan"} << "--cfg:";
    }
    void namesTheOption() {
        QFETCH(QStringList, words);
        QFETCH(QString, part);
        std::vector<std::string> line{"image"};
        for (const QString& word : words) line.push_back(word.toStdString());
        const std::string message = refusal(line);
        QVERIFY2(QString::fromStdString(message).contains(part), message.c_str());
    }

    void refusesWhatIsNotText() {
        QVERIFY(refusal({"image", "--prompt", "\xff\xfe"}).find("UTF-8") != std::string::npos);
        QVERIFY(refusal({"image", "--prompt", "-"}, "\xc3").find("UTF-8") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(ImageRequestArgumentsTest)
#include "image_request_arguments_test.moc"
