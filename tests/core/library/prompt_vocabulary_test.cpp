// What a model says it knows: styles and subjects, completions in several languages, unknown words.

#include "core/library/model_library.h"
#include "core/library/prompt_vocabulary.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <fstream>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

class PromptVocabularyTest : public QObject {
    Q_OBJECT

    PromptVocabulary m_starter;

    static Result<PromptVocabulary> parse(const std::string& text) {
        const QTemporaryDir folder;
        const fs::path path = folder.path().toStdString();
        std::ofstream(path / "vocabulary.json") << text;
        return PromptVocabulary::load(path);
    }

  private slots:
    void initTestCase() {
        const auto loaded = PromptVocabulary::load(builtInModelsFolder() / "starter-image");
        QVERIFY2(loaded, loaded ? "" : loaded.error().what());
        m_starter = *loaded;
        QCOMPARE(m_starter.styles().size(), 8);
        QVERIFY(m_starter.subjects().size() > 1000);
    }

    void aModelWithoutTheFileOffersNothing() {
        const QTemporaryDir folder;
        const auto none = PromptVocabulary::load(folder.path().toStdString());
        QVERIFY(none);
        QVERIFY(none->empty());
        QVERIFY(none->completions("app", 5).isEmpty());
        const auto reading = none->read("Zyzzyva");
        QCOMPARE(reading.prompt, QString("Zyzzyva"));
        QVERIFY(reading.unknown.isEmpty());
    }

    void completesFromAnyLanguage_data() {
        QTest::addColumn<QString>("typed");
        QTest::addColumn<QString>("offered");
        QTest::newRow("its beginning") << "red ap" << "red apple";
        QTest::newRow("a later word") << "apple" << "red apple";
        QTest::newRow("German") << "Roter A" << "red apple";
        QTest::newRow("French") << "chien" << "dog";
        QTest::newRow("Japanese") << QString::fromUtf8("犬") << "dog";
        QTest::newRow("Chinese") << QString::fromUtf8("苹果") << "red apple";
        QTest::newRow("Russian") << QString::fromUtf8("Яблок") << "red apple";
    }
    void completesFromAnyLanguage() {
        QFETCH(QString, typed);
        QFETCH(QString, offered);
        QStringList texts;
        for (const auto& completion : m_starter.completions(typed, 8)) texts << completion.text;
        QVERIFY2(texts.contains(offered), qPrintable(texts.join(" | ")));
        QVERIFY(texts.size() <= 8);
    }

    void sayFromWhichWordACompletionCame() {
        const auto found = m_starter.completions("roter apfel", 3);
        QVERIFY(!found.isEmpty());
        QCOMPARE(found.front().meaning, QString("roter apfel"));
        QVERIFY(m_starter.completions("red apple", 1).front().meaning.isEmpty());
    }

    void aWholeWordOfAnotherLanguageComesFirst() {
        QCOMPARE(m_starter.completions("Hund", 8).front().text, QString("dog")); // not "hundred"
    }

    void oneLetterIsTooLittle() { QVERIFY(m_starter.completions("a", 5).isEmpty()); }

    void findsWhereTheSubjectBegins_data() {
        QTest::addColumn<QString>("before");
        QTest::addColumn<QString>("subject");
        QTest::newRow("alone") << "red ap" << "red ap";
        QTest::newRow("after the style") << "3d emoji of a red ap" << "red ap";
        QTest::newRow("capital") << "3D Emoji of an app" << "app";
        QTest::newRow("after a comma") << "3d emoji of cat, ora" << "ora";
        QTest::newRow("of inside a name") << "ear of co" << "ear of co";
    }
    void findsWhereTheSubjectBegins() {
        QFETCH(QString, before);
        QTEST(before.mid(m_starter.subjectStart(before)), "subject");
    }

    void readsOtherLanguages_data() {
        QTest::addColumn<QString>("prompt");
        QTest::addColumn<QString>("read");
        QTest::addColumn<QStringList>("unknown");
        QTest::newRow("known") << "3d emoji of a red apple" << "3d emoji of a red apple"
                               << QStringList{};
        QTest::newRow("German") << "3d emoji of roter Apfel" << "3d emoji of red apple"
                                << QStringList{};
        QTest::newRow("German, a word") << "Hund" << "dog" << QStringList{};
        QTest::newRow("Japanese") << QString::fromUtf8("3d emoji of りんご")
                                  << "3d emoji of red apple" << QStringList{};
        QTest::newRow("Japanese, more than is known")
            << QString::fromUtf8("巨犬") << "dog" << QStringList{QString::fromUtf8("巨")};
        QTest::newRow("decomposed letters")
            << QString::fromUtf8("roter A\u0308pfel") << QString::fromUtf8("roter A\u0308pfel")
            << QStringList{"roter", QString::fromUtf8("A\u0308pfel")};
        QTest::newRow("unknown") << "a zyzzyva with two hats" << "a zyzzyva with two hats"
                                 << QStringList{"zyzzyva"};
        QTest::newRow("twice") << "zyzzyva, zyzzyva" << "zyzzyva, zyzzyva"
                               << QStringList{"zyzzyva"};
        QTest::newRow("several") << "two cats" << "two cats" << QStringList{};
        QTest::newRow("nothing") << "" << "" << QStringList{};
        QTest::newRow("signs") << "!? , ..." << "!? , ..." << QStringList{};
    }
    void readsOtherLanguages() {
        QFETCH(QString, prompt);
        const auto reading = m_starter.read(prompt);
        QTEST(reading.prompt, "read");
        QTEST(reading.unknown, "unknown");
    }

    void saysWhereAMeaningStands() {
        const QString prompt = QString::fromUtf8("Hundert, ein roter Apfel und 巨犬");
        const auto meant = m_starter.read(prompt).meant;
        QCOMPARE(meant.size(), 2);
        for (const auto& meaning : meant)
            QCOMPARE(prompt.mid(meaning.start, meaning.written.size()), meaning.written);
    }

    void saysKindlyWhatIsNotKnown() {
        QVERIFY(PromptVocabulary::hints(m_starter.read("3d emoji of a dog"), "Starter").isEmpty());
        const QStringList hints =
            PromptVocabulary::hints(m_starter.read("Hund, zyzzyva one"), "Starter");
        QCOMPARE(hints.size(), 2);
        QVERIFY(hints[0].contains("Hund") && hints[0].contains("dog"));
        QVERIFY(hints[1].contains("zyzzyva") && !hints[1].contains("Hund"));
        const QString many =
            PromptVocabulary::hints(m_starter.read("qqa qqb qqc qqd qqe qqf"), "Starter").front();
        QVERIFY(many.contains("qqd") && !many.contains("qqe") && many.contains("and more"));
    }

    void changesTheStyle() {
        QCOMPARE(m_starter.styleOf("a MODERN flat emoji of cat"), QString("modern flat emoji"));
        QCOMPARE(m_starter.styleOf("red apple"), QString());
        QCOMPARE(m_starter.withStyle("red apple", "3d emoji"), QString("3d emoji of red apple"));
        QCOMPARE(m_starter.withStyle("3d emoji of red apple", "flat emoji"),
                 QString("flat emoji of red apple"));
        QCOMPARE(m_starter.withStyle("cat, modern flat emoji", "3d emoji"),
                 QString("cat, 3d emoji"));
        QCOMPARE(m_starter.withStyle("3d emoji of red apple", ""), QString("red apple"));
        QCOMPARE(m_starter.withStyle("cat, 3d emoji", ""), QString("cat"));
        QCOMPARE(m_starter.withStyle("", "3d emoji"), QString("3d emoji of "));
    }

    void refusesDamagedFiles_data() {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("named");
        const QString good = R"("version":1,"styles":["s"],"subjects":["x"],"words":["x"])";
        QTest::newRow("version") << R"({"version":2})" << "version";
        QTest::newRow("no styles") << R"({"version":1,"subjects":[],"words":[]})" << "styles";
        QTest::newRow("number") << R"({"version":1,"styles":[3]})" << "styles";
        QTest::newRow("pattern") << '{' + good + R"(,"pattern":"no"})" << "pattern";
        QTest::newRow("no JSON") << "{" << "vocabulary.json";
    }
    void refusesDamagedFiles() {
        QFETCH(QString, text);
        QFETCH(QString, named);
        const auto result = parse(text.toStdString());
        QVERIFY(!result);
        QVERIFY2(QString(result.error().what()).contains(named), result.error().what());
    }
};

QTEST_GUILESS_MAIN(PromptVocabularyTest)
#include "prompt_vocabulary_test.moc"
