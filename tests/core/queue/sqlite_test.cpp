#include "core/queue/sqlite.h"
#include "tests/core/queue/queue_samples.h"

using namespace kinora;
using namespace kinora::core;
using namespace kinora::core::testing;

class SqliteTest : public QObject {
    Q_OBJECT

  private slots:
    void valuesComeBackAsTheyWere() {
        Database database = Database::inMemory();
        database.execute("CREATE TABLE t (a INTEGER, b REAL, c TEXT) STRICT");
        const std::string text("a\0b'; DROP TABLE t; --\xc3\xa9", 26);
        database.run("INSERT INTO t VALUES (?, ?, ?)", INT64_MAX, 0.1, text);
        database.run("INSERT INTO t (a) VALUES (?)", -1);
        Statement rows(database, "SELECT a, b, c FROM t ORDER BY a DESC");
        QVERIFY(rows.next());
        QCOMPARE(rows.integer(0), INT64_MAX);
        QCOMPARE(rows.real(1), 0.1);
        QCOMPARE(rows.text(2), text);
        QVERIFY(rows.next());
        QVERIFY(rows.isNull(1) && rows.isNull(2));
        QVERIFY(!rows.next());
    }

    void aValueOfAnotherTypeIsRefused() {
        Database database = Database::inMemory();
        Statement row(database, "SELECT 'seven' AS number");
        QVERIFY(row.next());
        QVERIFY_THROWS_EXCEPTION(Error, row.integer(0));
        QVERIFY_THROWS_EXCEPTION(Error, row.real(0));
    }

    void withoutCommitNothingHappened() {
        Database database = Database::inMemory();
        database.execute("CREATE TABLE t (a INTEGER)");
        {
            Transaction change(database);
            database.run("INSERT INTO t VALUES (1)");
        }
        QCOMPARE(database.integer("SELECT count(*) FROM t"), int64_t{0});
        {
            Transaction change(database);
            database.run("INSERT INTO t VALUES (1)");
            change.commit();
        }
        QCOMPARE(database.integer("SELECT count(*) FROM t"), int64_t{1});
    }

    // Statements are kept between runs: neither values nor errors of one reach the next.
    void eachRunBeginsAnew() {
        Database database = Database::inMemory();
        database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
        constexpr const char* kInsert = "INSERT INTO t VALUES (?, ?)";
        database.run(kInsert, 1, "one");
        QVERIFY_THROWS_EXCEPTION(Error, database.run(kInsert, 1, "again"));
        database.run(kInsert, 2); // the second value is no longer bound
        QCOMPARE(database.integer("SELECT count(*) FROM t WHERE b IS NULL"), int64_t{1});
        constexpr const char* kById = "SELECT a FROM t WHERE a = ?";
        QCOMPARE(database.integer(kById, 2), int64_t{2});
        QVERIFY_THROWS_EXCEPTION(Error, database.integer(kById, 3));
        QCOMPARE(database.integer(kById, 1), int64_t{1});
        Database moved = std::move(database);
        QCOMPARE(moved.integer(kById, 1), int64_t{1});
        moved.execute("DROP TABLE t"); // nothing is still being read
    }

    // The system has no say in that: its last error is of something else.
    void whatMayNotBeWrittenIsToldWithoutAnErrorOfTheSystem() {
        const QTemporaryDir folder;
        const std::filesystem::path file(folder.filePath("moved.db").toStdString());
        Database database = Database::open(file, Database::Create::Yes);
        database.execute("CREATE TABLE t (a INTEGER)");
        std::filesystem::remove(file);
        try {
            database.execute("INSERT INTO t VALUES (1)");
            QFAIL("it was written");
        } catch (const Error& error) {
            QCOMPARE(error.code(), ErrorCode::Io);
            QVERIFY2(error.message().ends_with("readonly database."), error.message().c_str());
        }
    }

    void aMissingFileIsNotMadeUnlessAsked() {
        const QueueSample sample;
        const auto path = sample.folder.path() / "none.db";
        QVERIFY_THROWS_EXCEPTION(Error, Database::open(path, Database::Create::No));
        QVERIFY(!std::filesystem::exists(path));
    }
};

QTEST_GUILESS_MAIN(SqliteTest)
#include "sqlite_test.moc"
