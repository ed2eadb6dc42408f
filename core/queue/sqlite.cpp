#include "core/queue/sqlite.h"

#include "core/media/text_encoding.h"
#include "kernels/base/disk_space.h"
#include "kernels/base/error.h"

#include <cerrno>
#include <cstring>
#include <sqlite3.h>
#include <utility>

namespace kinora::core {

namespace {

constexpr int kBusyMilliseconds = 5000; // others hold the right to write for some at the most

} // namespace

void Statement::Close::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

Statement::Statement(Database& database, std::string_view sql) : m_database(&database) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                        &statement, nullptr);
    m_statement.reset(statement);
    if (code != SQLITE_OK) database.fail(code);
}

Statement::Statement(Database& database, Handle prepared)
    : m_database(&database), m_statement(std::move(prepared)) {}

void Statement::bind(int index, int64_t value) {
    if (const int code = sqlite3_bind_int64(m_statement.get(), index, value); code != SQLITE_OK)
        m_database->fail(code);
}

void Statement::bind(int index, double value) {
    if (const int code = sqlite3_bind_double(m_statement.get(), index, value); code != SQLITE_OK)
        m_database->fail(code);
}

void Statement::bind(int index, std::string_view value) {
    const char* bytes = value.data() ? value.data() : "";
    const int code = sqlite3_bind_text64(m_statement.get(), index, bytes, value.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK) m_database->fail(code);
}

bool Statement::next() {
    errno = 0;
    const int code = sqlite3_step(m_statement.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) m_database->fail(code);
    return false;
}

void Statement::reset() {
    sqlite3_reset(m_statement.get());
    sqlite3_clear_bindings(m_statement.get());
}

void Statement::requireType(int column, int type) const {
    if (sqlite3_column_type(m_statement.get(), column) == type) return;
    throw Error(ErrorCode::BadFile,
                shownPath(m_database->path()) + ": " +
                    sqlite3_column_name(m_statement.get(), column) + " is of the wrong type.",
                "Another program may have changed it.");
}

int64_t Statement::integer(int column) const {
    requireType(column, SQLITE_INTEGER);
    return sqlite3_column_int64(m_statement.get(), column);
}

double Statement::real(int column) const {
    requireType(column, SQLITE_FLOAT);
    return sqlite3_column_double(m_statement.get(), column);
}

std::string Statement::text(int column) const {
    requireType(column, SQLITE_TEXT);
    const auto* bytes =
        reinterpret_cast<const char*>(sqlite3_column_text(m_statement.get(), column));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(m_statement.get(), column));
    return bytes ? std::string(bytes, size) : std::string();
}

bool Statement::isNull(int column) const {
    return sqlite3_column_type(m_statement.get(), column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* database) const {
    sqlite3_close_v2(database);
}

Database::Database(std::filesystem::path path, sqlite3* handle)
    : m_path(std::move(path)), m_handle(handle) {}

Database Database::open(const std::filesystem::path& path, Create create) {
    sqlite3* handle = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                      (create == Create::Yes ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    Database database(path, handle);
    if (!handle) throw Error(ErrorCode::OutOfMemory, "Memory ran out.");
    if (code != SQLITE_OK) database.fail(code);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
    // The file may come from anywhere: its schema runs no functions, and nobody writes around it.
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    database.execute("PRAGMA cell_size_check = ON");
    return database;
}

Database Database::inMemory() {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(":memory:", &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    Database database(":memory:", handle);
    if (!handle) throw Error(ErrorCode::OutOfMemory, "Memory ran out.");
    if (code != SQLITE_OK) database.fail(code);
    return database;
}

void Database::execute(const std::string& sql) {
    errno = 0;
    const int code = sqlite3_exec(m_handle.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

Statement Database::prepared(std::string_view sql) {
    const auto known = m_prepared.find(sql);
    if (known == m_prepared.end()) return {*this, sql};
    Statement statement(*this, std::move(known->second));
    m_prepared.erase(known);
    return statement;
}

void Database::keep(std::string_view sql, Statement statement) {
    statement.reset();
    m_prepared.emplace(sql, std::move(statement.m_statement));
}

int64_t Database::changedRows() const {
    return sqlite3_changes64(m_handle.get());
}

int64_t Database::lastRowId() const {
    return sqlite3_last_insert_rowid(m_handle.get());
}

void Database::failWithoutRow(std::string_view sql) {
    throw Error(ErrorCode::BadFile, "The queue lacks a row: " + std::string(sql) + ".",
                "Another program may have changed it.");
}

void Database::fail(int code) const {
    // SQLite keeps the system's error of a call, but not of a commit that fails within a step.
    const int lastError = errno;
    const int keptError = sqlite3_system_errno(m_handle.get());
    const int systemError = keptError != 0 ? keptError : lastError;
    const std::string what = shownPath(m_path) + ": " + sqlite3_errmsg(m_handle.get()) + ".";
    // Of other failures errno is what some earlier call left.
    const bool bySystem =
        systemError != 0 && ((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN);
    switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        throw Error(ErrorCode::BadFile, what,
                    "The file is damaged or something else. Move it away to begin a new queue.");
    case SQLITE_FULL: throw Error(ErrorCode::DiskFull, what, "Make room on that disk.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        throw Error(ErrorCode::Busy, what, "Another Kinora writes to the queue; try again.");
    case SQLITE_NOMEM: throw Error(ErrorCode::OutOfMemory, "Memory ran out.");
    case SQLITE_IOERR:
        if (isDiskFull(systemError))
            throw Error(ErrorCode::DiskFull, what, "Make room on that disk.");
        [[fallthrough]];
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        throw Error(
            ErrorCode::Io,
            what + (bySystem ? std::string(" ") + std::strerror(systemError) + "." : std::string()),
            "Its folder must be one that can be written to.");
    default: throw Error(ErrorCode::Internal, what);
    }
}

Transaction::Transaction(Database& database) : m_database(database) {
    database.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    // Some errors have rolled back already: then there is nothing to end.
    if (m_open && !sqlite3_get_autocommit(m_database.handle()))
        sqlite3_exec(m_database.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
    m_database.execute("COMMIT");
    m_open = false;
}

Snapshot::Snapshot(Database& database) : m_database(database) {
    database.execute("SAVEPOINT snapshot");
}

Snapshot::~Snapshot() {
    if (!sqlite3_get_autocommit(m_database.handle()))
        sqlite3_exec(m_database.handle(), "RELEASE snapshot", nullptr, nullptr, nullptr);
}

} // namespace kinora::core
