#include "app/cli/output_names.h"
#include "core/media/file_name_part.h"

#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace kinora;
using namespace kinora::app;

namespace fs = std::filesystem;

class OutputNamesTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;

    fs::path folder() const { return m_folder.path().toStdString(); }
    OutputRequest request(const std::string& output, int64_t count = 1) const {
        OutputRequest request;
        request.output = (folder() / output).string();
        request.prompt = "a red fox";
        request.model = "starter-image";
        request.seed = 41;
        request.count = count;
        return request;
    }
    static std::vector<std::string> names(const OutputNames& outputs) {
        std::vector<std::string> list;
        for (const fs::path& path : outputs.paths) list.push_back(path.filename().string());
        return list;
    }
    static std::string refusal(const OutputRequest& request) {
        try {
            planOutputs(request);
        } catch (const Error& error) {
            return error.message();
        }
        return "accepted";
    }

  private slots:
    void aFileIsTakenAsItIs() {
        const OutputNames outputs = planOutputs(request("a.webp"));
        QCOMPARE(names(outputs), (std::vector<std::string>{"a.webp"}));
        QVERIFY(outputs.format == core::ImageFormat::Webp);
        QVERIFY(outputs.folders.empty());
    }

    void whatIsPlannedAnewKeepsItsFolderAndNames() {
        const fs::path sub = folder() / "sub";
        fs::create_directory(sub);
        OutputRequest changed;
        changed.defaultFolder = "/elsewhere";
        const auto continued = [&](std::vector<fs::path> had, int64_t count, const char* format) {
            changed.count = count;
            changed.format = format ? std::optional<std::string>(format) : std::nullopt;
            const OutputNames outputs = continueOutputs(had, core::ImageFormat::Webp, changed);
            for (const fs::path& path : outputs.paths)
                if (path.parent_path() != sub) return std::vector{path.string()};
            std::vector<std::string> list = names(outputs);
            list.push_back(outputs.format == core::ImageFormat::Webp ? "webp" : "png");
            return list;
        };
        using Names = std::vector<std::string>;
        QCOMPARE(continued({sub / "a.x"}, 1, nullptr), (Names{"a.x", "webp"}));
        QCOMPARE(continued({sub / "a.webp"}, 1, "png"), (Names{"a.png", "png"}));
        QCOMPARE(continued({sub / "a.webp"}, 3, nullptr),
                 (Names{"a.webp", "a-2.webp", "a-3.webp", "webp"}));
        QCOMPARE(continued({sub / "a-1.webp", sub / "a-2.webp"}, 3, "png"),
                 (Names{"a-1.png", "a-2.png", "a-3.png", "png"}));
        QCOMPARE(continued({sub / "a-1.webp", sub / "a-2.webp"}, 1, nullptr),
                 (Names{"a-1.webp", "webp"}));
        // Others' names are left alone.
        std::ofstream(sub / "a-2.webp") << "mine";
        changed.promised = {(sub / "a-3.webp").string()};
        QCOMPARE(continued({sub / "a.webp"}, 2, nullptr), (Names{"a.webp", "a-4.webp", "webp"}));
        QVERIFY_THROWS_EXCEPTION(Error, continued({sub / "a-3.webp"}, 1, nullptr));
        QVERIFY_THROWS_EXCEPTION(Error, continued({sub / "a-2.webp"}, 1, nullptr));
        changed.overwrite = true;
        QCOMPARE(continued({sub / "a-2.webp"}, 1, nullptr), (Names{"a-2.webp", "webp"}));
    }

    void namesThatArePromisedCountAsTaken() {
        OutputRequest numbered = request("{index}-{prompt}.png");
        numbered.promised = {(folder() / "00004-hen.png").string(), "/elsewhere/00009-hen.png"};
        QCOMPARE(names(planOutputs(numbered)), (std::vector<std::string>{"00005-a_red_fox.png"}));
        OutputRequest named = request("a.png", 2);
        named.promised = {(folder() / "a-2.png").string()};
        QVERIFY(refusal(named).find("another job") != std::string::npos);
        named.overwrite = true; // of files that are there, not of another job's
        QVERIFY(refusal(named).find("another job") != std::string::npos);
    }

    void severalGetNumbersBeforeTheExtension() {
        QCOMPARE(names(planOutputs(request("a.png", 3))),
                 (std::vector<std::string>{"a-1.png", "a-2.png", "a-3.png"}));
        QCOMPARE(names(planOutputs(request("{prompt}.png", 2))),
                 (std::vector<std::string>{"a_red_fox-1.png", "a_red_fox-2.png"}));
        QCOMPARE(names(planOutputs(request("{seed}.png", 2))),
                 (std::vector<std::string>{"41.png", "42.png"}));
    }

    void aFolderGetsTheUsualNames() {
        const OutputNames outputs = planOutputs(request("new/"));
        QCOMPARE(names(outputs), (std::vector<std::string>{"00001-a_red_fox-41.png"}));
        QCOMPARE(outputs.folders.size(), size_t{1});
        QVERIFY(!fs::exists(folder() / "new"));
    }

    void theIndexGoesOnAfterTheHighest() {
        fs::create_directories(folder() / "index");
        for (const char* name : {"00007-x-1.png", "00012-y-2.png", "note.txt", "99999999999-z.png"})
            std::ofstream(folder() / "index" / name) << "x";
        QCOMPARE(names(planOutputs(request("index", 2))),
                 (std::vector<std::string>{"00013-a_red_fox-41.png", "00014-a_red_fox-42.png"}));
    }

    void formatWinsOverTheExtension() {
        OutputRequest webp = request("picture.dat");
        webp.format = "webp";
        QVERIFY(planOutputs(webp).format == core::ImageFormat::Webp);
        QCOMPARE(names(planOutputs(webp)), (std::vector<std::string>{"picture.dat"}));
        QCOMPARE(names(planOutputs(request("bare"))), (std::vector<std::string>{"bare.png"}));
    }

    void refuses() {
        std::ofstream(folder() / "there.png") << "mine";
        fs::create_directories(folder() / "folder.png");
        QVERIFY(refusal(request("there.png")).find("there already") != std::string::npos);
        OutputRequest again = request("there.png");
        again.overwrite = true;
        QCOMPARE(refusal(again), std::string("accepted"));
        QVERIFY(refusal(request("no/such/a.png")).find("no such folder") != std::string::npos);
        QVERIFY(refusal(request("there.png/a.png")).find("not a folder") != std::string::npos);
        QVERIFY(refusal(request("{foo}.png")).find("{foo}") != std::string::npos);
        QVERIFY(refusal(request("{seed.png")).find("'{'") != std::string::npos);
        QVERIFY(refusal(request("a.gif")).find("gif") != std::string::npos);
        QVERIFY(refusal(request(std::string(250, 'x') + ".png")).find("long") != std::string::npos);
        OutputRequest kernel = request("");
        kernel.output = "/proc/a.png";
        QVERIFY(refusal(kernel).find("nothing can be written") != std::string::npos);
        OutputRequest empty = request("");
        empty.output = "";
        QVERIFY(refusal(empty).find("empty") != std::string::npos);
    }

    void looksLeaveNothingBehind() {
        QTemporaryDir other;
        OutputRequest fresh = request("");
        fresh.output = other.filePath(QStringLiteral("a.png")).toStdString();
        planOutputs(fresh);
        QVERIFY(fs::is_empty(other.path().toStdString()));
    }

    void promptsBecomeNames_data() {
        QTest::addColumn<QString>("prompt");
        QTest::addColumn<QString>("name");
        QTest::newRow("words") << "3d emoji of a red apple" << "3d_emoji_of_a_red_apple";
        QTest::newRow("unicode") << "цвет 火" << "цвет_火";
        QTest::newRow("separators") << "../../etc/passwd" << "etc_passwd";
        QTest::newRow("control") << "a\nb\tc\x01" << "a_b_c";
        QTest::newRow("hidden") << ".-hidden" << "hidden";
        QTest::newRow("turned") << QStringLiteral("a\u202Egnp.exe") << "agnp.exe";
        QTest::newRow("fields") << "{seed}" << "seed";
        QTest::newRow("empty") << "" << "untitled";
        QTest::newRow("only separators") << "///" << "untitled";
    }
    void promptsBecomeNames() {
        QFETCH(QString, prompt);
        QFETCH(QString, name);
        QCOMPARE(QString::fromStdString(core::fileNamePart(prompt.toStdString(), 80)), name);
    }

    void longPromptsAreCutBetweenCharacters() {
        const std::string cut = core::fileNamePart(QString(100, QChar(0x706B)).toStdString(), 80);
        QCOMPARE(cut.size(), size_t{78}); // 26 characters of 3 bytes
        const std::string accents =
            core::fileNamePart(QStringLiteral("e\u0301").repeated(40).toStdString(), 80);
        QCOMPARE(accents.size(), size_t{78}); // a letter keeps its accent
    }
};

QTEST_GUILESS_MAIN(OutputNamesTest)
#include "output_names_test.moc"
