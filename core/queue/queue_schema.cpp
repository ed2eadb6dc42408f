#include "core/queue/queue_schema.h"

#include "core/media/text_encoding.h"
#include "kernels/base/error.h"

#include <array>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <tuple>

namespace kinora::core {

namespace {

// Version 1.
//
// queue      one row. epoch: of the last lease. turn: of the project that was served last. paused:
//            as people ask ("no", "now", "after-this"). trouble: why the owner waits; empty: it
//            does not. capacity: jobs that its owner runs at once.
// jobs       position: the order, among equal priorities. revision: raised where what was computed
//            so far no longer counts; a checkpoint's name has it. first_picture: where the request
//            began that the checkpoint belongs to. wish: what is asked of a job that runs.
// items      a picture each. temporary, file_hash, pixel_hash: the intent, from before the rename.
// leases     jobs that run, and for whom. A completion with another epoch is refused.
// attempts   each time that a job ran. seconds: NULL while it does.
// needs      a job waits for another's end.
// turns      when each project was served last.
// step_times what was measured, for the time that is left. kind: model, size and guidance as asked.
constexpr std::string_view kVersion1 = R"(
CREATE TABLE queue (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    paused TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    trouble_code TEXT NOT NULL,
    trouble TEXT NOT NULL
) STRICT;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    project TEXT NOT NULL,
    title TEXT NOT NULL,
    priority INTEGER NOT NULL,
    position REAL NOT NULL,
    request TEXT NOT NULL,
    format TEXT NOT NULL,
    overwrite INTEGER NOT NULL,
    metadata INTEGER NOT NULL,
    pictures INTEGER NOT NULL,
    pictures_done INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    first_picture INTEGER NOT NULL,
    wish TEXT NOT NULL,
    added INTEGER NOT NULL,
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL,
    error_advice TEXT NOT NULL,
    step_kind TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_in_order ON jobs (state, priority DESC, position);
CREATE INDEX jobs_by_position ON jobs (priority DESC, position);
CREATE TABLE items (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    picture INTEGER NOT NULL,
    state TEXT NOT NULL,
    path TEXT NOT NULL,
    temporary TEXT NOT NULL,
    file_hash TEXT NOT NULL,
    pixel_hash TEXT NOT NULL,
    PRIMARY KEY (job, picture)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_by_state ON items (state);
CREATE TABLE leases (
    job INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL
) STRICT;
CREATE TABLE attempts (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    began INTEGER NOT NULL,
    seconds REAL,
    outcome TEXT NOT NULL,
    why TEXT NOT NULL,
    device TEXT NOT NULL,
    PRIMARY KEY (job, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE needs (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    needed INTEGER NOT NULL,
    PRIMARY KEY (job, needed)
) STRICT, WITHOUT ROWID;
CREATE INDEX needs_by_needed ON needs (needed);
CREATE TABLE progress (
    job INTEGER PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    picture INTEGER NOT NULL,
    step INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    seconds_left REAL NOT NULL
) STRICT;
CREATE TABLE turns (project TEXT PRIMARY KEY, turn INTEGER NOT NULL) STRICT;
CREATE TABLE step_times (
    kind TEXT PRIMARY KEY,
    steps INTEGER NOT NULL,
    seconds_per_step REAL NOT NULL,
    seconds_beside REAL NOT NULL
) STRICT;
INSERT INTO queue VALUES (1, lower(hex(randomblob(8))), 0, 0, 'no', 1, '', '');
)";

constexpr std::array<std::string_view, 1> kMigrations{kVersion1};

using SchemaRow = std::tuple<std::string, std::string, std::string>; // type, name, sql

std::set<SchemaRow> schemaOf(Database& database) {
    std::set<SchemaRow> rows;
    Statement statement(database, "SELECT type, name, coalesce(sql, '') FROM sqlite_schema "
                                  "WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    while (statement.next()) rows.emplace(statement.text(0), statement.text(1), statement.text(2));
    return rows;
}

Error notAQueue(const Database& database, const std::string& why) {
    return Error(ErrorCode::BadFile, shownPath(database.path()) + ": " + why,
                 "The file is damaged or something else. Move it away to begin a new queue.");
}

void migrateFrom(Database& database, int64_t version, std::span<const std::string_view> steps) {
    for (const std::string_view step : steps.subspan(static_cast<size_t>(version)))
        database.execute(std::string(step));
    database.execute("PRAGMA application_id = " + std::to_string(kQueueApplicationId));
    database.execute("PRAGMA user_version = " + std::to_string(steps.size()));
}

// A trigger or a column that somebody added would work behind our back.
void checkTables(Database& database, std::span<const std::string_view> migrations) {
    Database expected = Database::inMemory();
    migrateFrom(expected, 0, migrations);
    if (schemaOf(database) != schemaOf(expected))
        throw notAQueue(database, "its tables are not those of a queue.");
    if (database.integer("SELECT count(*) FROM queue") != 1)
        throw notAQueue(database, "it lacks the row that describes the queue.");
}

int64_t versionOf(Database& database, size_t newest) {
    const Snapshot moment(database); // another process may be making the tables now
    if (database.integer("PRAGMA page_count") == 0) {
        std::error_code ignored;
        const auto bytes = std::filesystem::file_size(database.path(), ignored);
        // A few bytes are nothing to SQLite, and something to whoever wrote them.
        if (!ignored && bytes > 0) throw notAQueue(database, "this is not a database.");
    }
    const int64_t version = database.integer("PRAGMA user_version");
    const bool empty = database.integer("SELECT count(*) FROM sqlite_schema") == 0;
    const int64_t application = database.integer("PRAGMA application_id");
    if (empty && version == 0 && application == 0) return 0;
    if (application != kQueueApplicationId || version < 1)
        throw notAQueue(database, "this is a database, but not a queue.");
    if (version > static_cast<int64_t>(newest))
        throw Error(ErrorCode::Unsupported,
                    shownPath(database.path()) + ": a newer version of Kinora made this queue.",
                    "Use that version, or give another folder with --data.");
    return version;
}

// Other processes that open the file at the same moment make the change fail, not wait.
void useWriteAheadLog(Database& database) {
    constexpr int kTries = 100;
    constexpr auto kBetween = std::chrono::milliseconds(20);
    for (int left = kTries;; --left) {
        try {
            database.execute("PRAGMA journal_mode = WAL");
            return;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Busy || left == 0) throw;
            std::this_thread::sleep_for(kBetween);
        }
    }
}

} // namespace

std::span<const std::string_view> queueMigrations() {
    return kMigrations;
}

void prepareQueueSchema(Database& database, std::span<const std::string_view> migrations) {
    versionOf(database, migrations.size()); // strangers are refused untouched
    useWriteAheadLog(database);
    // 16 MiB of cache: a change of ten thousand jobs is written once, not spilled page by page.
    database.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
                     "PRAGMA cache_size = -16384");
    if (versionOf(database, migrations.size()) < static_cast<int64_t>(migrations.size())) {
        Transaction change(database);
        // Another process may have done it meanwhile.
        const int64_t version = versionOf(database, migrations.size());
        if (version < static_cast<int64_t>(migrations.size()))
            migrateFrom(database, version, migrations);
        change.commit();
    }
    checkTables(database, migrations);
}

} // namespace kinora::core
