#include "core/project/prompt_template.h"
#include "tests/support/temporary_folder.h"

#include <QElapsedTimer>
#include <QTest>

#include <map>

using namespace kinora;
using namespace kinora::core;

namespace {

QString all(const std::string& text, Wildcards& wildcards) {
    std::string joined;
    try {
        for (const std::string& one : PromptTemplate(text, wildcards).all(1000))
            joined += (joined.empty() ? "" : " | ") + one;
    } catch (const Error& error) {
        return QString::fromStdString("error: " + error.message());
    }
    return QString::fromStdString(joined);
}

} // namespace

class PromptTemplateTest : public QObject {
    Q_OBJECT

  private slots:
    void listsEveryCombination_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* text, const char* expected) {
            QTest::newRow(text) << QString(text) << QString(expected);
        };
        row("a plain (text:1.2) [x|y]", "a plain (text:1.2) [x|y]");
        row("{red|green} fox", "red fox | green fox");
        row("{ red | green } fox", "red fox | green fox");
        row("{a|{b|c} d}", "a | b d | c d");
        row("{2::a|0.5::b}", "a | b");
        row("{a|}x", "ax | x");
        row("{one}", "one");
        row("{2$$a|b|c}", "a, b | a, c | b, c");
        row("{1-2$$ and $$a|b}", "a | b | a and b");
        row("{-1$$a|b}x", "x | ax | bx");
        row("{2-$$+$$a|b|c}", "a+b | a+c | b+c | a+b+c");
        row("\\{a\\|b\\} c:\\d", "{a|b} c:\\d");
        row("__colour__ cat", "blue cat | white cat");
        row("__deep/nested__", "blue whale | white whale | shark");
        row("a __ b __ c", "a __ b __ c");
        row("snake__case", "snake__case");
        row("\\__colour__", "__colour__");
        row("{__colour__|red}", "blue | white | red");
        row("{a|b", "error: The prompt has a '{' without its '}': {a|b");
        row("a}b", "error: The prompt has a '}' without its '{': }b");
        row("{x$$a|b}", "error: A choice's count is not understood: x$$");
        row("{3-1$$a|b}", "error: A choice's count is not understood: 3-1$$");
    }
    void listsEveryCombination() {
        QFETCH(QString, text);
        QFETCH(QString, expected);
        const test::TemporaryFolder folder;
        folder.write("colour.txt", "# colours\nblue\r\n\n 3::white \n");
        folder.write("deep/nested.txt", "__colour__ whale\nshark\n");
        Wildcards wildcards(folder.path());
        QCOMPARE(all(text.toStdString(), wildcards), expected);
    }

    void circlesAndMissingFilesAreNamed() {
        const test::TemporaryFolder folder;
        folder.write("a.txt", "x\n__b__\n");
        folder.write("b.txt", "{y|__c__}\n");
        folder.write("c.txt", "__a__\n");
        folder.write("empty.txt", "# nothing\n");
        folder.write("bad.txt", "{x\n");
        Wildcards wildcards(folder.path());
        QCOMPARE(all("__a__", wildcards),
                 QString("error: Wildcards lead in a circle: a, b, c, a."));
        Wildcards others(folder.path());
        QVERIFY(all("__none__", others).contains("none.txt"));
        QVERIFY(all("__empty__", others).contains("there is no line in it"));
        QVERIFY(all("__bad__", others).contains("bad.txt"));
        Wildcards nowhere{std::filesystem::path()};
        QVERIFY(all("__a__", nowhere).contains("'a', and there is no folder"));
    }

    void namesLeadNowhereElse() {
        const test::TemporaryFolder folder;
        folder.write("secret.txt", "secret\n");
        folder.write("in/x.txt", "x\n");
        Wildcards wildcards(folder.path() / "in");
        for (const char* text :
             {"__../secret__", "__/etc/passwd__", "__a/../../secret__", "__.hidden__"})
            QCOMPARE(all(text, wildcards), QString(text)); // no name of a wildcard: plain text
    }

    void drawsTheSameEverywhereAndFollowsWeights() {
        Wildcards none{std::filesystem::path()};
        const PromptTemplate prompt("{3::a|b}{c|d}", none);
        SplitMix first(7), again(7);
        std::map<std::string, int> counts;
        for (int i = 0; i < 4000; ++i) {
            const std::string drawn = prompt.draw(first);
            QCOMPARE(prompt.draw(again), drawn);
            ++counts[drawn];
        }
        const double a = counts["ac"] + counts["ad"];
        QVERIFY2(a > 2880 && a < 3120, std::to_string(a).c_str()); // 3000 plus or minus 4 sigma
        QVERIFY(counts["bc"] > 400 && counts["bd"] > 400);
        // Source: reference output of SplitMix64 for the seed 1234567.
        SplitMix reference(1234567);
        QCOMPARE(reference.next(), uint64_t{6457827717110365317U});
        QCOMPARE(reference.next(), uint64_t{3203168211198807973U});
    }

    void drawsDifferentOptionsWhereSeveralAreTaken() {
        Wildcards none{std::filesystem::path()};
        const PromptTemplate prompt("{2$$-$$a|b|c}", none);
        SplitMix random(1);
        for (int i = 0; i < 200; ++i) {
            const std::string drawn = prompt.draw(random);
            QCOMPARE(drawn.size(), size_t{3});
            QVERIFY(drawn[0] != drawn[2]);
        }
    }

    void growthIsBounded() {
        const test::TemporaryFolder folder;
        for (char name = 'a'; name < 'z'; ++name) {
            const std::string next(1, static_cast<char>(name + 1));
            std::string line;
            for (int i = 0; i < 16; ++i) line += "__" + next + "__";
            folder.write(std::string(1, name) + ".txt", line + "\n");
        }
        folder.write("z.txt", "{|}\n");
        Wildcards wildcards(folder.path());
        QElapsedTimer timer;
        timer.start();
        const PromptTemplate prompt("__a__", wildcards);
        SplitMix random(1);
        QVERIFY_THROWS_EXCEPTION(Error, prompt.draw(random));
        QVERIFY_THROWS_EXCEPTION(Error, prompt.all(1'000'000));
        QVERIFY_THROWS_EXCEPTION(Error, parsePrompt(std::string(100'000, '{')));
        QVERIFY(timer.elapsed() < 30'000);
        QVERIFY(all("{a|b}{a|b}{a|b}{a|b}{a|b}{a|b}{a|b}{a|b}{a|b}{a|b}", wildcards)
                    .contains("more than 1000 combinations"));
    }
};

QTEST_GUILESS_MAIN(PromptTemplateTest)
#include "prompt_template_test.moc"
