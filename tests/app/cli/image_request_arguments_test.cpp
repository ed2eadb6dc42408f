#include "app/cli/image_request_arguments.h"
#include "kernels/base/error.h"

#include <QTemporaryFile>
#include <QTest>

#include <fcntl.h>
#include <unistd.h>

using namespace kinora;
using namespace kinora::app;

namespace {

pipelines::ImageRequest request(const std::vector<std::string>& words,
                                const std::string& input = {}) {
    QTemporaryFile file;
    if (!file.open() || file.write(input.data(), static_cast<qint64>(input.size())) < 0 ||
        !file.flush() || !file.seek(0))
        qFatal("no temporary file");
    return imageRequestFromArguments(parseArguments(words), file.handle());
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

    void understandsTheNamesOfOtherPrograms_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QString>("sampler");
        QTest::addColumn<QString>("schedule");
        const auto row = [](const char* name, const char* sampler, const char* schedule) {
            QTest::newRow(name) << name << sampler << schedule;
        };
        row("dpmpp_2m", "dpmpp_2m", "");
        row("DPM++ 2M Karras", "dpmpp_2m", "karras");
        row("dpm++ 2m sde exponential", "dpmpp_2m_sde", "exponential");
        row("DPM++ 2M SGM Uniform", "dpmpp_2m", "sgm_uniform");
        row("Euler a", "euler_a", "");
        row("PLMS", "pndm", "");
        row("euler_ancestral", "euler_a", "");
        row("dpmpp_2m_sde_gpu", "dpmpp_2m_sde", "");
        row("dpmpp_2m_k", "dpmpp_2m", "karras");
    }
    void understandsTheNamesOfOtherPrograms() {
        QFETCH(QString, name);
        QFETCH(QString, sampler);
        QFETCH(QString, schedule);
        const auto made = request({"image", "--prompt", "", "--sampler", name.toStdString()});
        QCOMPARE(made.sampler.value_or(""), sampler.toStdString());
        QCOMPARE(made.schedule.value_or(""), schedule.toStdString());
    }

    void aScheduleIsSaidOnceOrTwiceAlike() {
        const auto with = [](const char* schedule) {
            return std::vector<std::string>{"image",           "--prompt",   "",      "--sampler",
                                            "DPM++ 2M Karras", "--schedule", schedule};
        };
        QCOMPARE(request(with("karras")).schedule.value_or(""), std::string("karras"));
        QCOMPARE(request(with("Karras")).schedule.value_or(""), std::string("karras"));
        QCOMPARE(refusal(with("exponential")),
                 std::string("The sampler 'DPM++ 2M Karras' is with the schedule karras, and the "
                             "schedule is given as 'exponential'."));
        QVERIFY(QString::fromStdString(
                    refusal({"image", "--prompt", "", "--sampler", "Restart Karras"}))
                    .startsWith("--sampler cannot be 'Restart Karras'."));
    }

    void readsThePromptFromInput() {
        QCOMPARE(request({"image", "--prompt", "-"}, "a fox\nin snow\r\n").prompt,
                 std::string("a fox\nin snow"));
    }

    void refusesALongInputWithoutReadingItAll() {
        const int endless = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
        QVERIFY_EXCEPTION_THROWN(
            imageRequestFromArguments(parseArguments({"image", "--prompt", "-"}), endless), Error);
        ::close(endless);
    }

    void refusesAnInputThatCannotBeRead() {
        const int folder = ::open("/", O_RDONLY | O_CLOEXEC);
        for (const int unreadable : {folder, -1}) try {
                imageRequestFromArguments(parseArguments({"image", "--prompt", "-"}), unreadable);
                QFAIL("accepted");
            } catch (const Error& error) {
                QVERIFY(error.message().starts_with("--prompt -: standard input cannot be read"));
                QCOMPARE(int(error.code()), int(ErrorCode::InvalidArgument));
            }
        ::close(folder);
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
