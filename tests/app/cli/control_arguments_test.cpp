#include "app/cli/control_arguments.h"
#include "kernels/base/error.h"

#include <QTest>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::app;

namespace {

using Texts = std::vector<std::string>;

pipelines::ImageRequest request(std::vector<std::string> words) {
    words.insert(words.begin(), "image");
    pipelines::ImageRequest made;
    applyControlArguments(made, parseArguments(words));
    return made;
}

std::string refusal(const std::vector<std::string>& words) {
    try {
        request(words);
    } catch (const Error& error) {
        return error.message();
    }
    return "accepted";
}

} // namespace

class ControlArgumentsTest : public QObject {
    Q_OBJECT

  private slots:
    void optionsBelongToTheNetBeforeThem() {
        const auto made =
            request({"--control", "canny", "--control-image", "a.png", "--control-weight", "0.8",
                     "--adapter", "sketch", "--adapter-image", "s.png", "--control", "depth:0.3",
                     "--control-range", "0:0.5", "--control-image", "b.png"});
        QVERIFY((made.controls == Texts{"canny:0.8", "depth:0.3:0:0.5"}));
        QVERIFY((made.controlImages == Texts{"a.png", "b.png"}));
        QVERIFY(made.controlPrepare.empty());
        QVERIFY((made.adapters == Texts{"sketch"}));
        QVERIFY((made.adapterImages == Texts{"s.png"}));
    }

    void preparationsAreForEachOrForNone() {
        const auto made = request({"--control", "tile", "--control-image", "a.png", "--control",
                                   "canny", "--control-image", "b.png", "--control-prepare",
                                   "canny", "--control", "pose", "--control-image", "c.png"});
        QVERIFY((made.controlPrepare == Texts{"none", "canny", "none"}));
    }

    void nothingIsNothing() {
        const auto made = request({"--prompt", "a fox"});
        QVERIFY(made.controls.empty() && made.controlImages.empty() && made.adapters.empty());
        QVERIFY(isControlOption("control-range") && isControlOption("adapter"));
        QVERIFY(!isControlOption("control-guess") && !isControlOption("prompt"));
    }

    void whatDoesNotGoTogetherIsRefused_data() {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* words, const char* message) {
            QTest::newRow(words) << QString(words).split(' ') << QString(message);
        };
        row("--control-image a.png --control canny",
            "--control-image: stands before any --control.");
        row("--control canny", "--control canny: has no picture to follow.");
        row("--control canny --control-image a --control-image b",
            "--control-image: is there twice for one --control.");
        row("--control canny --control-image a --control-weight much",
            "--control-weight: 'much' is not a number.");
        row("--control canny --control-image a --control-weight 1000",
            "--control: 'canny:1000' is not understood.");
        row("--adapter sketch --adapter-image a --adapter-range 0.5",
            "--adapter-range: '0.5' is not a range.");
        row("--control canny --control-image a --control-range 0.5:0.2",
            "--control: 'canny:1:0.5:0.2' is not understood.");
    }
    void whatDoesNotGoTogetherIsRefused() {
        QFETCH(QStringList, words);
        QFETCH(QString, message);
        std::vector<std::string> list;
        for (const QString& word : words) list.push_back(word.toStdString());
        QCOMPARE(QString::fromStdString(refusal(list)), message);
    }
};

QTEST_GUILESS_MAIN(ControlArgumentsTest)
#include "control_arguments_test.moc"
