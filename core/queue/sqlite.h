#pragma once
// SQLite as the queue uses it: a connection, a statement, a transaction. All throw Error.
//
//     Database database = Database::open("queue.db");
//     Transaction change(database);
//     database.run("UPDATE jobs SET state = ? WHERE id = ?", "paused", 7);
//     change.commit();
//
// A connection is used by one thread at a time. Errors: BadFile (not a database, damaged),
// DiskFull, Busy (another process held it for seconds), Io, OutOfMemory.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace kinora::core {

class Database;

class Statement {
  public:
    Statement(Database& database, std::string_view sql);

    // Parameters, from 1.
    void bind(int index, int64_t value);
    void bind(int index, int value) { bind(index, static_cast<int64_t>(value)); }
    void bind(int index, double value);
    void bind(int index, std::string_view value);
    void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
    void bind(int index, const char* value) { bind(index, std::string_view(value)); }
    template <typename... Values> Statement& with(const Values&... values) {
        int index = 0;
        (bind(++index, values), ...);
        return *this;
    }

    // The next row; false: there is none.
    bool next();
    // Ready to be bound and run again.
    void reset();

    // Columns of the row, from 0. A value of another type is Error{BadFile}: nobody but the queue
    // should have written it.
    int64_t integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;
    bool isNull(int column) const;

  private:
    friend class Database;
    struct Close {
        void operator()(sqlite3_stmt* statement) const;
    };
    using Handle = std::unique_ptr<sqlite3_stmt, Close>;

    Statement(Database& database, Handle prepared);
    void requireType(int column, int type) const;

    Database* m_database;
    Handle m_statement;
};

class Database {
  public:
    enum class Create { No, Yes };

    // Create::Yes makes the file where it is missing, readable by its owner alone.
    static Database open(const std::filesystem::path& path, Create create);
    static Database inMemory();

    // One or several statements without parameters.
    void execute(const std::string& sql);
    // These two are prepared once for each text: give them texts that stand in the program.
    template <typename... Values> void run(std::string_view sql, const Values&... values) {
        Statement statement = prepared(sql);
        statement.with(values...);
        while (statement.next()) {
        }
        keep(sql, std::move(statement));
    }
    // The only value of the first row.
    template <typename... Values> int64_t integer(std::string_view sql, const Values&... values) {
        Statement statement = prepared(sql);
        statement.with(values...);
        if (!statement.next()) failWithoutRow(sql);
        const int64_t value = statement.integer(0);
        keep(sql, std::move(statement));
        return value;
    }
    // Rows that the last INSERT, UPDATE or DELETE changed.
    int64_t changedRows() const;
    int64_t lastRowId() const;

    const std::filesystem::path& path() const { return m_path; }
    sqlite3* handle() const { return m_handle.get(); }
    // Throws what the result code of a call on this connection means.
    [[noreturn]] void fail(int code) const;

  private:
    struct Close {
        void operator()(sqlite3* database) const;
    };
    Database(std::filesystem::path path, sqlite3* handle);
    [[noreturn]] static void failWithoutRow(std::string_view sql);
    // Out of those that are kept, or made anew: while it runs nobody else has it.
    Statement prepared(std::string_view sql);
    void keep(std::string_view sql, Statement statement);

    std::filesystem::path m_path;
    std::unique_ptr<sqlite3, Close> m_handle;
    std::map<std::string, Statement::Handle, std::less<>> m_prepared; // last: they go first
};

// Takes the right to write at once, so that nothing that was read in it changes before commit().
// Without commit() nothing has happened.
class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

  private:
    Database& m_database;
    bool m_open = true;
};

// What is read while it lives is of one moment, however others write. It may stand in a
// Transaction.
class Snapshot {
  public:
    explicit Snapshot(Database& database);
    ~Snapshot();
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

  private:
    Database& m_database;
};

} // namespace kinora::core
