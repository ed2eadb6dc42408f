#include "core/project/project_history.h"
#include "tests/support/temporary_folder.h"

#include <QElapsedTimer>
#include <QTest>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>

using namespace kinora;
using namespace kinora::core;

namespace fs = std::filesystem;

namespace {

HistoryResult result(int64_t task, const std::string& file, const std::string& request) {
    return {.task = task,
            .file = file,
            .request = request,
            .pixelHash = "p",
            .fileHash = "f",
            .seconds = 1.5,
            .madeAt = "2026-11-26T03:00:00Z",
            .host = "h"};
}

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

} // namespace

class ProjectHistoryTest : public QObject {
    Q_OBJECT

  private slots:
    void theLastPictureOfATaskCounts() {
        const test::TemporaryFolder folder;
        ProjectHistory history(folder.path() / "p.history");
        HistoryResult earlier = result(3, "b.png", "r"), later = result(3, "a.png", "s");
        later.madeAt = "2026-11-26T04:00:00Z";
        HistoryResult sheet = result(3, "sheet.png", "t");
        sheet.madeAt.clear();
        for (const auto& one : {later, earlier, sheet, result(4, "c.png", "r")})
            QVERIFY(history.addResult(one));
        const auto latest = history.latestByTask();
        QCOMPARE(latest.size(), size_t{2});
        QCOMPARE(latest.at(3).file, std::string("a.png"));
        QCOMPARE(latest.at(4).file, std::string("c.png"));
    }

    void numbersOutOfTheirRangeSayNothing() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history";
        std::ofstream file(path);
        for (const char* task : {"1e300", "-1", "18446744073709551615", "1.5", "\"1\""})
            file << R"({"event":"result","file":"a.png","request":"r","task":)" << task << "}\n";
        for (const char* rating : {"6", "-1", "1e300", "2.5", "4294967297"})
            file << R"({"event":"rating","file":"a.png","rating":)" << rating << "}\n";
        file << R"({"event":"rating","file":"b.png","rating":5})" << "\n";
        file.close();
        const ProjectHistory history(path);
        QVERIFY(!history.latest("a.png"));
        QCOMPARE(history.rating("a.png"), 0);
        QCOMPARE(history.rating("b.png"), 5);
    }

    // Longer than memory that it may take: the file has holes, and so no size on the disk.
    void aLineWithoutEndTakesNoMemory() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history";
        QVERIFY(ProjectHistory(path).addRating("a.png", 3));
        fs::resize_file(path, uintmax_t{1} << 28);
        rusage before{}, after{};
        getrusage(RUSAGE_SELF, &before);
        ProjectHistory history(path);
        getrusage(RUSAGE_SELF, &after);
        QVERIFY(after.ru_maxrss - before.ru_maxrss < 100'000); // KiB, of 256 MiB
        QCOMPARE(history.rating("a.png"), 3);
        QVERIFY(history.addRating("b.png", 4)); // behind it
        QCOMPARE(history.rating("b.png"), 4);
        QCOMPARE(ProjectHistory(path).rating("b.png"), 4);
    }

    void keepsResultsAndRatings() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history";
        {
            ProjectHistory history(path);
            QVERIFY(history.addResult(result(1, "a.png", "r1")));
            QVERIFY(history.addResult(result(1, "a.png", "r2")));
            QVERIFY(history.addRating("a.png", 4));
            QVERIFY(!history.addRating("a.png", 6));
        }
        const std::string lines = contentOf(path);
        QCOMPARE(std::count(lines.begin(), lines.end(), '\n'), std::ptrdiff_t{3});
        const ProjectHistory again(path);
        QVERIFY(!again.result("a.png", "r1")); // another was made under its name since
        QCOMPARE(again.result("a.png", "r2")->fileHash, std::string("f"));
        QCOMPARE(again.latest("a.png")->task, int64_t{1});
        QCOMPARE(again.rating("a.png"), 4);
        QCOMPARE(again.rating("b.png"), 0);
    }

    void aTornLastLineIsPassedOver() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history";
        {
            ProjectHistory history(path);
            QVERIFY(history.addResult(result(1, "a.png", "r")));
            QVERIFY(history.addResult(result(2, "b.png", "r")));
        }
        fs::resize_file(path, fs::file_size(path) - 20);
        ProjectHistory history(path);
        QVERIFY(history.result("a.png", "r"));
        QVERIFY(!history.result("b.png", "r"));
        QVERIFY(history.addResult(result(3, "c.png", "r")));
        QVERIFY(history.result("c.png", "r"));
        const ProjectHistory again(path);
        QVERIFY(again.result("a.png", "r") && again.result("c.png", "r"));
        QCOMPARE(again.resultCount(), int64_t{2});
    }

    void damagedLinesSayNothing() {
        const test::TemporaryFolder folder;
        const fs::path path =
            folder.write("p.history", "\n\n[1]\nnull\n{\"event\":\"result\",\"file\":7}\n"
                                      "{\"event\":\"rating\",\"file\":\"a.png\",\"rating\":\"x\"}\n"
                                      "\xff\xfe\n{\"event\":\"odd\",\"file\":\"a.png\"}\n" +
                                          std::string(3'000'000, 'x') + "\n");
        const ProjectHistory history(path);
        QCOMPARE(history.resultCount(), int64_t{0});
        QCOMPARE(history.rating("a.png"), 0);
        QCOMPARE(history.damagedLines(), int64_t{6});
        QVERIFY(history.damageText().find("6 lines are damaged") != std::string::npos);
    }

    void theIndexRemembersTheDamage() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.write("p.history", "{\n");
        {
            ProjectHistory history(path);
            QVERIFY(history.addResult(result(0, "a.png", "r")));
            history.saveIndex();
        }
        QCOMPARE(ProjectHistory(path).damagedLines(), int64_t{1});
    }

    void theIndexIsMadeAnewWhereItIsMissingOrWrong() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history",
                       index = folder.path() / "p.history.index";
        ProjectHistory history(path);
        for (int i = 0; i < 20; ++i)
            QVERIFY(history.addResult(result(i, std::to_string(i) + ".png", "r")));
        history.saveIndex();
        QVERIFY(fs::exists(index));
        QVERIFY(history.addResult(result(20, "20.png", "r"))); // behind the index
        QCOMPARE(ProjectHistory(path).resultCount(), int64_t{21});
        // It is used: an entry that the lines do not have comes from it.
        auto json = nlohmann::json::parse(contentOf(index));
        json["events"].push_back({{"event", "rating"}, {"file", "x.png"}, {"rating", 3}});
        folder.write("p.history.index", json.dump());
        QCOMPARE(ProjectHistory(path).rating("x.png"), 3);
        // And not used where it cannot belong to these lines.
        json["bytes"] = fs::file_size(path) + 1;
        folder.write("p.history.index", json.dump());
        QCOMPARE(ProjectHistory(path).rating("x.png"), 0);
        json["bytes"] = 7;
        folder.write("p.history.index", json.dump());
        QCOMPARE(ProjectHistory(path).rating("x.png"), 0);
        for (const char* text :
             {"", "{", "[]", "{\"format\":\"kinora-history-index/1\"}",
              "{\"format\":\"kinora-history-index/1\",\"bytes\":-1,\"events\":[]}",
              "{\"format\":1,\"bytes\":0,\"events\":[]}"}) {
            folder.write("p.history.index", text);
            QCOMPARE(ProjectHistory(path).resultCount(), int64_t{21});
        }
    }

    void linesOfSeveralWritersAreNotMixed() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history";
        std::vector<std::thread> threads;
        for (int writer = 0; writer < 4; ++writer)
            threads.emplace_back([&, writer] {
                ProjectHistory history(path);
                for (int i = 0; i < 25; ++i) {
                    const std::string name = std::to_string(writer * 100 + i) + ".png";
                    if (!history.addResult(result(i, name, std::string(500, 'r')))) return;
                }
            });
        for (std::thread& thread : threads) thread.join();
        QCOMPARE(ProjectHistory(path).resultCount(), int64_t{100});
    }

    void whatIsFoundIsAddedOnceBySeveral() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history";
        std::vector<std::thread> threads;
        for (int writer = 0; writer < 4; ++writer)
            threads.emplace_back([&] {
                ProjectHistory history(path);
                for (int i = 0; i < 25; ++i)
                    (void)history.addFoundResult(result(i, std::to_string(i) + ".png", "r")).ok();
            });
        for (std::thread& thread : threads) thread.join();
        const std::string lines = contentOf(path);
        QCOMPARE(std::count(lines.begin(), lines.end(), '\n'), std::ptrdiff_t{25});
        ProjectHistory history(path);
        QCOMPARE(history.resultCount(), int64_t{25});
        QVERIFY(history.addFoundResult(result(0, "0.png", "s"))); // it answers another request
        QVERIFY(history.result("0.png", "s"));
    }

    void aHistoryThatIsNoFileIsTold() {
        const test::TemporaryFolder folder;
        const fs::path path = folder.path() / "p.history";
        QCOMPARE(ProjectHistory(path).damageText(), std::string());
        const auto says = [&](const char* what) {
            ProjectHistory history(path);
            const auto added = history.addResult(result(0, "a.png", "r"));
            return history.damageText().find(what) != std::string::npos && !added &&
                   added.error().message().find(what) != std::string::npos;
        };
        fs::create_directory(path);
        QVERIFY(says("is a folder"));
        fs::remove(path);
        fs::create_symlink(folder.path() / "gone", path);
        QVERIFY(says("is a symbolic link to a file that is not there"));
        QVERIFY(!fs::exists(folder.path() / "gone"));
        fs::remove(path);
        QCOMPARE(::mkfifo(path.c_str(), 0600), 0);
        QVERIFY(says("is a pipe"));
    }

    void trouble() {
        const test::TemporaryFolder folder;
        folder.write("file", "x");
        ProjectHistory history(folder.path() / "file" / "p.history");
        const auto added = history.addResult(result(1, "a.png", "r"));
        QVERIFY(!added);
        QCOMPARE(added.error().code(), ErrorCode::Io);
    }
};

QTEST_GUILESS_MAIN(ProjectHistoryTest)
#include "project_history_test.moc"
