// Files that are a queue, were one, or never have been.
#include "core/queue/queue_schema.h"
#include "tests/core/queue/queue_samples.h"

#include <array>
#include <fstream>
#include <sqlite3.h>
#include <thread>

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::testing;

namespace {

namespace fs = std::filesystem;

std::string contentOf(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void writeTo(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

// By SQLite alone, as another program would.
void runSql(const fs::path& path, const char* sql) {
    fs::create_directories(path.parent_path());
    sqlite3* database = nullptr;
    char* message = nullptr;
    sqlite3_open(path.c_str(), &database);
    const int code = sqlite3_exec(database, sql, nullptr, nullptr, &message);
    const QByteArray why = message ? message : "";
    sqlite3_free(message);
    sqlite3_close(database);
    QVERIFY2(code == SQLITE_OK, why.constData());
}

} // namespace

class QueueSchemaTest : public QObject {
    Q_OBJECT

  private slots:
    void isMadeOnceAndOpenedAgain() {
        const QueueSample sample;
        {
            QueueStore store = sample.open();
            sample.add(store, "a fox");
        }
        QueueStore again = sample.open();
        QCOMPARE(titles(again), std::vector<std::string>{"a fox"});
        QCOMPARE(again.database().integer("PRAGMA application_id"), kQueueApplicationId);
        QCOMPARE(again.database().integer("PRAGMA user_version"), int64_t{1});
        QCOMPARE(again.database().integer("PRAGMA synchronous"), int64_t{2}); // FULL
        Statement mode(again.database(), "PRAGMA journal_mode");
        QVERIFY(mode.next());
        QCOMPARE(mode.text(0), std::string("wal"));
        const auto permissions = fs::status(sample.data() / "queue").permissions();
        QVERIFY((permissions & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
    }

    void manyMayMakeItAtOnce() {
        const QueueSample sample;
        std::vector<std::jthread> threads;
        std::array<std::string, 8> refusals;
        for (std::string& refusal : refusals)
            threads.emplace_back([&] {
                if (const auto store = QueueStore::open(sample.data()); !store)
                    refusal = store.error().message();
            });
        threads.clear();
        for (const std::string& refusal : refusals) QVERIFY2(refusal.empty(), refusal.c_str());
    }

    void strangersAreRefusedAndStayAsTheyAre_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::newRow("text") << QByteArray("this is no database, but long enough to be read as "
                                            "one if somebody tried to, and a little longer still");
        QTest::newRow("zeros") << QByteArray(8192, '\0');
        QTest::newRow("magic alone") << QByteArray("SQLite format 3\0", 16) + QByteArray(4080, 'x');
    }
    void strangersAreRefusedAndStayAsTheyAre() {
        QFETCH(QByteArray, bytes);
        const QueueSample sample;
        const fs::path file = sample.data() / "queue" / "queue.db";
        writeTo(file, bytes.toStdString());
        const auto store = QueueStore::open(sample.data());
        QVERIFY(!store);
        QCOMPARE(store.error().code(), ErrorCode::BadFile);
        QVERIFY(!store.error().advice().empty());
        QVERIFY(contentOf(file) == bytes.toStdString());
    }

    void anotherProgramsDatabaseIsLeftAlone() {
        const QueueSample sample;
        const fs::path file = sample.data() / "queue" / "queue.db";
        runSql(file, "CREATE TABLE songs (name TEXT); INSERT INTO songs VALUES ('one')");
        const std::string before = contentOf(file);
        QCOMPARE(codeOf(QueueStore::open(sample.data())), ErrorCode::BadFile);
        QVERIFY(contentOf(file) == before);
    }

    void aNewerQueueIsRefusedInWords() {
        const QueueSample sample;
        sample.open();
        runSql(sample.data() / "queue" / "queue.db", "PRAGMA user_version = 2");
        const auto store = QueueStore::open(sample.data());
        QCOMPARE(codeOf(store), ErrorCode::Unsupported);
        QVERIFY(store.error().message().find("newer") != std::string::npos);
    }

    void tablesThatSomebodyChangedAreRefused_data() {
        QTest::addColumn<QByteArray>("sql");
        QTest::newRow("trigger") << QByteArray("CREATE TRIGGER t AFTER INSERT ON jobs BEGIN DELETE "
                                               "FROM jobs; END");
        QTest::newRow("view") << QByteArray("DROP TABLE needs; CREATE VIEW needs AS SELECT 1 AS "
                                            "job, 2 AS needed");
        QTest::newRow("column") << QByteArray("ALTER TABLE jobs ADD COLUMN more TEXT");
        QTest::newRow("no row") << QByteArray("DELETE FROM queue");
        QTest::newRow("missing") << QByteArray("DROP TABLE attempts");
    }
    void tablesThatSomebodyChangedAreRefused() {
        QFETCH(QByteArray, sql);
        const QueueSample sample;
        sample.open();
        runSql(sample.data() / "queue" / "queue.db", sql.constData());
        QCOMPARE(codeOf(QueueStore::open(sample.data())), ErrorCode::BadFile);
    }

    // Whatever is cut off: an answer in words, at the opening or at the first use.
    void aTruncatedFileIsNoticed() {
        const QueueSample sample;
        {
            QueueStore store = sample.open();
            for (int i = 0; i < 200; ++i) sample.add(store, "job " + std::to_string(i));
        }
        const fs::path file = sample.data() / "queue" / "queue.db";
        const std::string whole = contentOf(file);
        QVERIFY(whole.size() > 60000);
        int refused = 0, cuts = 0;
        for (size_t size = 1; size < whole.size(); size += 3777, ++cuts) {
            writeTo(file, whole.substr(0, size));
            auto store = QueueStore::open(sample.data());
            if (!store) {
                QVERIFY(store.error().code() == ErrorCode::BadFile);
                ++refused;
                continue;
            }
            const auto all = store->list({.count = 1000});
            if (!all) {
                QVERIFY(all.error().code() == ErrorCode::BadFile);
                ++refused;
            } else {
                QCOMPARE(all->size(), size_t{200}); // only what stands beside the jobs is cut off
            }
        }
        QVERIFY(refused > cuts / 2);
    }

    void anOlderQueueIsBroughtUpToDate() {
        const QueueSample sample;
        {
            QueueStore store = sample.open();
            sample.add(store, "a fox");
        }
        const fs::path file = sample.data() / "queue" / "queue.db";
        std::vector<std::string_view> steps(queueMigrations().begin(), queueMigrations().end());
        steps.push_back("ALTER TABLE jobs ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'");
        {
            Database database = Database::open(file, Database::Create::No);
            prepareQueueSchema(database, steps);
            QCOMPARE(database.integer("PRAGMA user_version"), int64_t{2});
            Statement row(database, "SELECT title, mood FROM jobs");
            QVERIFY(row.next());
            QCOMPARE(row.text(0) + " " + row.text(1), std::string("a fox calm"));
        }
        // And this version, which is now the older one, refuses it.
        QCOMPARE(codeOf(QueueStore::open(sample.data())), ErrorCode::Unsupported);
    }

    void aMigrationThatFailsChangesNothing() {
        const QueueSample sample;
        sample.open();
        const fs::path file = sample.data() / "queue" / "queue.db";
        std::vector<std::string_view> steps(queueMigrations().begin(), queueMigrations().end());
        steps.push_back("ALTER TABLE jobs ADD COLUMN mood TEXT; SELECT * FROM nowhere");
        {
            Database database = Database::open(file, Database::Create::No);
            QVERIFY_THROWS_EXCEPTION(Error, prepareQueueSchema(database, steps));
        }
        QVERIFY(QueueStore::open(sample.data()).ok());
    }
};

QTEST_GUILESS_MAIN(QueueSchemaTest)
#include "queue_schema_test.moc"
