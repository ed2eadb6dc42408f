#include "core/queue/queue_store.h"

#include "core/queue/answered.h"
#include "core/queue/queue_rows.h"
#include "core/queue/queue_schema.h"
#include "core/queue/wall_clock.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <array>
#include <set>
#include <string>
#include <utility>

namespace kinora::core {

namespace {

Error noSuchJob(QueueJobId id) {
    return Error(ErrorCode::NotFound, "There is no job " + std::to_string(id) + " in the queue.",
                 "kinora queue list shows those that there are.");
}

Error notAllowed(QueueJobId id, JobState state, std::string_view action) {
    return Error(ErrorCode::InvalidArgument,
                 "Job " + std::to_string(id) + " is " + std::string(jobStateName(state)) +
                     ": it cannot be " + std::string(action) + ".",
                 "kinora queue list shows the state of each job.");
}

JobState stateOf(Database& database, QueueJobId id) {
    Statement row(database, "SELECT state FROM jobs WHERE id = ?");
    row.with(id);
    if (!row.next()) throw noSuchJob(id);
    return jobStateOf(row, 0, database);
}

// Where jobs stand, one after the other by one statement: thousands may be asked for.
class JobRows {
  public:
    explicit JobRows(Database& database)
        : m_database(database), m_row(database, "SELECT state, revision FROM jobs WHERE id = ?") {}

    struct Row {
        JobState state = JobState::Waiting;
        int64_t revision = 0;
    };
    Row of(QueueJobId id) {
        m_row.with(id);
        if (!m_row.next()) throw noSuchJob(id);
        const Row row{jobStateOf(m_row, 0, m_database), m_row.integer(1)};
        m_row.reset();
        return row;
    }

  private:
    Database& m_database;
    Statement m_row;
};

// Only those that are there: most jobs have none, and a look at the folder is one call, not
// thousands. What is left the queue's next owner sweeps.
void removeCheckpoints(const QueueFolder& folder, const std::set<std::string>& names) {
    if (names.empty()) return;
    std::error_code ignored;
    std::vector<std::filesystem::path> found;
    for (std::filesystem::directory_iterator entry(folder.checkpoints(), ignored), end;
         !ignored && entry != end; entry.increment(ignored))
        if (const std::string name = entry->path().filename();
            names.contains(name.substr(0, name.find('.'))))
            found.push_back(entry->path());
    for (const std::filesystem::path& checkpoint : found)
        std::filesystem::remove(checkpoint, ignored);
}

// There are pictures of it, or it goes on from where it was interrupted. One that is tried again
// begins again.
bool hasBegun(Database& database, QueueJobId id) {
    return database.integer("SELECT EXISTS (SELECT 1 FROM items WHERE job = ?1 AND state <> "
                            "'waiting') OR EXISTS (SELECT 1 FROM attempts WHERE job = ?1 AND "
                            "outcome NOT IN (?2, ?3, ?4) AND epoch = (SELECT max(epoch) FROM "
                            "attempts WHERE job = ?1))",
                            id, jobActionName(JobAction::Fail), jobActionName(JobAction::SetAside),
                            jobActionName(JobAction::Cancel)) != 0;
}

// "?, ?" for as many values.
std::string placeholders(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += i == 0 ? "?" : ", ?";
    return text;
}

// After a condition over jobs: those that others still wait for are left out.
constexpr const char* kNobodyWaits =
    " AND (state = 'finished' OR NOT EXISTS (SELECT 1 FROM needs n JOIN jobs w ON w.id = n.job "
    "WHERE n.needed = jobs.id AND w.state IN ('waiting', 'paused')))";

std::string escapedForLike(const std::string& text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

// Tables whose rows belong to a job. Its foreign keys take them along, row by row and table by
// table; for thousands of jobs a table at a time takes half as long.
constexpr std::array<std::string_view, 5> kTablesOfJobs{"items", "leases", "attempts", "needs",
                                                        "progress"};

class WithoutForeignKeys {
  public:
    explicit WithoutForeignKeys(Database& database) : m_database(database) {
        database.execute("PRAGMA foreign_keys = OFF");
    }
    ~WithoutForeignKeys() {
        try {
            m_database.execute("PRAGMA foreign_keys = ON");
        } catch (const Error&) {
            // It touches no file: only memory could have run out.
        }
    }
    WithoutForeignKeys(const WithoutForeignKeys&) = delete;
    WithoutForeignKeys& operator=(const WithoutForeignKeys&) = delete;

  private:
    Database& m_database;
};

void bindStates(Statement& statement, int& index, std::span<const JobState> states) {
    for (const JobState state : states) statement.bind(++index, jobStateName(state));
}

void addEstimate(Database& database, QueueStatus& status) {
    Statement sum(database,
                  "SELECT total(coalesce(p.seconds_left, (j.pictures - j.pictures_done) * (t.steps "
                  "* t.seconds_per_step + t.seconds_beside))) / max(1, (SELECT capacity FROM "
                  "queue)), count(*) - count(coalesce(p.seconds_left, t.steps)) FROM jobs j LEFT "
                  "JOIN progress p ON p.job = j.id LEFT JOIN step_times t ON t.kind = j.step_kind "
                  "WHERE j.state IN ('waiting', 'running')");
    if (!sum.next()) return;
    status.secondsLeft = sum.real(0);
    status.jobsOfUnknownTime = sum.integer(1);
}

std::vector<QueueJobId> unmetNeeds(Database& database, QueueJobId id) {
    std::vector<QueueJobId> needs;
    Statement rows(database, "SELECT n.needed FROM needs n JOIN jobs d ON d.id = n.needed WHERE "
                             "n.job = ? AND d.state <> 'finished' ORDER BY n.needed");
    rows.with(id);
    while (rows.next()) needs.push_back(rows.integer(0));
    return needs;
}

} // namespace

QueueStore::QueueStore(QueueFolder folder, Database database)
    : m_folder(std::move(folder)), m_database(std::move(database)) {}

Result<QueueStore> QueueStore::open(const std::filesystem::path& dataFolder) {
    return answered([&] {
        const QueueFolder folder(std::filesystem::absolute(dataFolder));
        makeQueueFolder(folder);
        Database database = Database::open(folder.database(), Database::Create::Yes);
        prepareQueueSchema(database);
        return QueueStore(folder, std::move(database));
    });
}

Result<QueueJobId> QueueStore::add(const NewJob& job) {
    Result<std::vector<QueueJobId>> ids = add(std::span(&job, 1));
    if (!ids) return ids.error();
    return ids->front();
}

Result<std::vector<QueueJobId>> QueueStore::add(std::span<const NewJob> jobs) {
    return answered([&] {
        std::vector<std::string> requests; // before the right to write is taken from others
        for (const NewJob& job : jobs) {
            checkNewJob(job);
            requests.push_back(pipelines::toJson(job.request).dump());
        }
        std::vector<QueueJobId> ids;
        Transaction change(m_database);
        for (size_t i = 0; i < jobs.size(); ++i) ids.push_back(insert(jobs[i], requests[i]));
        change.commit();
        return ids;
    });
}

QueueJobId QueueStore::insert(const NewJob& job, const std::string& request) {
    for (const QueueJobId needed : job.needs) stateOf(m_database, needed);
    m_database.run(
        "INSERT INTO jobs (kind, state, project, title, priority, position, request, format, "
        "overwrite, metadata, pictures, pictures_done, revision, first_picture, wish, added, "
        "error_code, error_message, error_advice, step_kind) VALUES ('image', ?, ?, ?, ?, "
        "(SELECT coalesce(max(position), 0.0) + 1.0 FROM jobs WHERE priority = ?), ?, ?, ?, ?, ?, "
        "0, 0, 0, 'none', ?, '', '', '', ?)",
        jobStateName(job.paused ? JobState::Paused : JobState::Waiting), job.project,
        job.request.prompt, job.priority, job.priority, request, formatName(job.output.format),
        job.output.overwrite == Overwrite::Yes ? 1 : 0, job.output.metadata ? 1 : 0,
        job.request.count, secondsSince1970(), stepKind(job.request));
    const QueueJobId id = m_database.lastRowId();
    insertItems(id, job);
    for (const QueueJobId needed : job.needs)
        m_database.run("INSERT OR IGNORE INTO needs VALUES (?, ?)", id, needed);
    return id;
}

void QueueStore::insertItems(QueueJobId id, const NewJob& job) {
    for (size_t picture = 0; picture < job.paths.size(); ++picture)
        m_database.run("INSERT INTO items VALUES (?, ?, 'waiting', ?, '', '', '')", id,
                       static_cast<int64_t>(picture), job.paths[picture].native());
}

Result<std::vector<QueueJob>> QueueStore::list(const JobFilter& filter) {
    return answered([&] {
        std::string sql = std::string(kSelectJobs) + "WHERE 1";
        if (!filter.states.empty())
            sql += " AND j.state IN (" + placeholders(filter.states.size()) + ")";
        if (filter.project) sql += " AND j.project = ?";
        if (!filter.text.empty()) sql += " AND j.title LIKE ? ESCAPE '\\'";
        sql += " ORDER BY j.priority DESC, j.position LIMIT ? OFFSET ?";
        Statement rows(m_database, sql);
        int index = 0;
        bindStates(rows, index, filter.states);
        if (filter.project) rows.bind(++index, *filter.project);
        if (!filter.text.empty()) rows.bind(++index, "%" + escapedForLike(filter.text) + "%");
        rows.bind(++index, filter.count);
        rows.bind(++index, filter.first);
        std::vector<QueueJob> jobs;
        while (rows.next()) jobs.push_back(jobFromRow(rows, m_database));
        for (QueueJob& job : jobs) job.needs = unmetNeeds(m_database, job.id);
        return jobs;
    });
}

Result<QueueJob> QueueStore::find(QueueJobId id) {
    return answered([&] {
        Statement row(m_database, std::string(kSelectJobs) + "WHERE j.id = ?");
        row.with(id);
        if (!row.next()) throw noSuchJob(id);
        QueueJob job = jobFromRow(row, m_database);
        job.needs = unmetNeeds(m_database, id);
        return job;
    });
}

Result<std::vector<QueueItem>> QueueStore::items(QueueJobId id) {
    return answered([&] {
        Statement rows(m_database, "SELECT picture, state, path, pixel_hash FROM items WHERE "
                                   "job = ? ORDER BY picture");
        rows.with(id);
        std::vector<QueueItem> items;
        while (rows.next()) {
            const std::optional<ItemState> state = itemStateNamed(rows.text(1));
            if (!state)
                throw Error(ErrorCode::BadFile,
                            "A picture of job " + std::to_string(id) +
                                " is in no state that there is.",
                            "Another program may have changed the queue.");
            items.push_back({rows.integer(0), *state, rows.text(2), rows.text(3)});
        }
        return items;
    });
}

Result<std::vector<QueueAttempt>> QueueStore::attempts(QueueJobId id) {
    return answered([&] {
        Statement rows(m_database, "SELECT epoch, began, seconds, outcome, why, device FROM "
                                   "attempts WHERE job = ? ORDER BY epoch");
        rows.with(id);
        std::vector<QueueAttempt> attempts;
        while (rows.next())
            attempts.push_back({rows.integer(0), rows.integer(1),
                                rows.isNull(2) ? std::nullopt : std::optional(rows.real(2)),
                                rows.text(3), rows.text(4), rows.text(5)});
        return attempts;
    });
}

Result<QueueStatus> QueueStore::status() {
    return answered([&] {
        QueueStatus status;
        Statement row(m_database, "SELECT paused, trouble_code, trouble FROM queue");
        if (!row.next()) throw Error(ErrorCode::BadFile, "The queue lacks its row.");
        status.paused = queuePauseNamed(row.text(0)).value_or(QueuePause::No);
        status.owner = OwnerLock::ownerOf(m_folder);
        if (!row.text(1).empty() && status.owner != 0)
            status.trouble = Error(storedErrorCode(row.text(1)), row.text(2));
        Statement counts(m_database, "SELECT state, count(*) FROM jobs GROUP BY state");
        while (counts.next()) {
            const int64_t count = counts.integer(1);
            switch (jobStateOf(counts, 0, m_database)) {
            case JobState::Waiting: status.waiting = count; break;
            case JobState::Running: status.running = count; break;
            case JobState::Paused: status.pausedJobs = count; break;
            case JobState::Finished: status.finished = count; break;
            case JobState::Failed: status.failed = count; break;
            case JobState::SetAside: status.setAside = count; break;
            case JobState::Cancelled: status.cancelled = count; break;
            }
        }
        addEstimate(m_database, status);
        return status;
    });
}

Result<std::vector<QueueJobId>> QueueStore::jobsIn(std::span<const JobState> states) {
    return answered([&] {
        Statement rows(m_database, "SELECT id FROM jobs WHERE state IN (" +
                                       placeholders(states.size()) + ") ORDER BY id");
        int index = 0;
        bindStates(rows, index, states);
        std::vector<QueueJobId> ids;
        while (rows.next()) ids.push_back(rows.integer(0));
        return ids;
    });
}

Result<std::vector<std::string>> QueueStore::promisedPaths() {
    return answered([&] {
        Statement rows(m_database, "SELECT i.path FROM items i JOIN jobs j ON j.id = i.job WHERE "
                                   "i.state <> 'done' AND j.state IN ('waiting', 'running', "
                                   "'paused')");
        std::vector<std::string> paths;
        while (rows.next()) paths.push_back(rows.text(0));
        return paths;
    });
}

Result<void> QueueStore::apply(JobAction action, std::span<const QueueJobId> jobs) {
    return answered([&] {
        std::set<std::string> unwanted; // checkpoints: nothing goes on from them
        Transaction change(m_database);
        JobRows rows(m_database);
        for (const QueueJobId id : jobs) {
            const JobRows::Row row = rows.of(id);
            if (applyTo(action, id, row.state) == JobState::Cancelled)
                unwanted.insert(checkpointName(id, row.revision));
        }
        change.commit();
        removeCheckpoints(m_folder, unwanted);
    });
}

// The state that it is in then.
JobState QueueStore::applyTo(JobAction action, QueueJobId id, JobState state) {
    const std::optional<JobState> next = after(state, action);
    const bool asked = action == JobAction::Pause || action == JobAction::Resume ||
                       action == JobAction::Cancel || action == JobAction::Retry;
    if (!asked) throw Error(ErrorCode::Internal, "That is for the queue's owner to do.");
    if (state == JobState::Running && action == JobAction::Resume) { // not paused yet: it goes on
        m_database.run("UPDATE jobs SET wish = 'none' WHERE id = ? AND wish <> 'cancel'", id);
        return state;
    }
    if (!next) throw notAllowed(id, state, jobActionName(action));
    if (state == JobState::Running) {
        const Wish wish = action == JobAction::Cancel ? Wish::Cancel : Wish::Pause;
        m_database.run("UPDATE jobs SET wish = ? WHERE id = ? AND wish <> 'cancel'", wishName(wish),
                       id);
        return state;
    }
    // Tried again it starts from the pictures that are there, not from what ended it.
    const int raise = action == JobAction::Retry ? 1 : 0;
    m_database.run("UPDATE jobs SET state = ?, wish = 'none', revision = revision + ?, "
                   "error_code = '', error_message = '', error_advice = '' WHERE id = ?",
                   jobStateName(*next), raise, id);
    return *next;
}

Result<void> QueueStore::pauseAfterThis(std::span<const QueueJobId> jobs) {
    return answered([&] {
        Transaction change(m_database);
        for (const QueueJobId id : jobs) {
            const JobState state = stateOf(m_database, id);
            if (state != JobState::Running)
                throw notAllowed(id, state, "paused after what it computes now");
            m_database.run("UPDATE jobs SET wish = ? WHERE id = ? AND wish = 'none'",
                           wishName(Wish::PauseAfterThis), id);
        }
        change.commit();
    });
}

Result<void> QueueStore::pauseQueue(QueuePause pause) {
    return answered([&] { m_database.run("UPDATE queue SET paused = ?", queuePauseName(pause)); });
}

Result<void> QueueStore::edit(QueueJobId id, const NewJob& job) {
    return answered([&] {
        checkNewJob(job);
        Transaction change(m_database);
        const JobState state = stateOf(m_database, id);
        if ((state != JobState::Waiting && state != JobState::Paused) || hasBegun(m_database, id))
            throw Error(ErrorCode::InvalidArgument,
                        "Job " + std::to_string(id) + " has begun: it cannot be changed.",
                        "Cancel it and add another.");
        m_database.run("UPDATE jobs SET project = ?, title = ?, priority = ?, request = ?, "
                       "format = ?, overwrite = ?, metadata = ?, pictures = ?, step_kind = ?, "
                       "revision = revision + 1 WHERE id = ?",
                       job.project, job.request.prompt, job.priority,
                       pipelines::toJson(job.request).dump(), formatName(job.output.format),
                       job.output.overwrite == Overwrite::Yes ? 1 : 0, job.output.metadata ? 1 : 0,
                       job.request.count, stepKind(job.request), id);
        m_database.run("DELETE FROM items WHERE job = ?", id);
        insertItems(id, job);
        change.commit();
    });
}

Result<void> QueueStore::setPriority(QueueJobId id, int64_t priority) {
    return answered([&] {
        checkPriority(priority);
        Transaction change(m_database);
        stateOf(m_database, id);
        m_database.run("UPDATE jobs SET priority = ? WHERE id = ?", priority, id);
        change.commit();
    });
}

Result<void> QueueStore::moveBefore(QueueJobId id, QueueJobId other) {
    return answered([&] {
        Transaction change(m_database);
        stateOf(m_database, id);
        if (other == 0) {
            m_database.run("UPDATE jobs SET position = (SELECT max(position) FROM jobs) + 1.0 "
                           "WHERE id = ?",
                           id);
        } else {
            stateOf(m_database, other);
            renumber(); // whole numbers leave room for a half
            m_database.run("UPDATE jobs SET (priority, position) = (SELECT priority, position - "
                           "0.5 FROM jobs WHERE id = ?) WHERE id = ?",
                           other, id);
        }
        change.commit();
    });
}

void QueueStore::renumber() {
    m_database.execute(
        "UPDATE jobs SET position = place FROM (SELECT id AS numbered, CAST(row_number() OVER "
        "(ORDER BY priority DESC, position, id) AS REAL) AS place FROM jobs) WHERE id = numbered");
}

Result<int64_t> QueueStore::clear(std::span<const JobState> states) {
    return answered([&] {
        for (const JobState state : states)
            if (!hasEnded(state))
                throw Error(ErrorCode::InvalidArgument,
                            "Jobs that are " + std::string(jobStateName(state)) +
                                " cannot be cleared.",
                            "Cancel them first.");
        const std::string cleared = "state IN (" + placeholders(states.size()) + ")" + kNobodyWaits;
        const auto removeFrom = [&](const std::string& rows) {
            Statement statement(m_database, "DELETE FROM " + rows);
            int index = 0;
            bindStates(statement, index, states);
            statement.next();
        };
        const WithoutForeignKeys byTable(m_database); // before the transaction: else without effect
        Transaction change(m_database);
        for (const std::string_view table : kTablesOfJobs)
            removeFrom(std::string(table) + " WHERE job IN (SELECT id FROM jobs WHERE " + cleared +
                       ")");
        removeFrom("jobs WHERE " + cleared);
        const int64_t count = m_database.changedRows();
        change.commit();
        return count;
    });
}

Result<void> QueueStore::remove(std::span<const QueueJobId> jobs) {
    return answered([&] {
        Transaction change(m_database);
        for (const QueueJobId id : jobs) {
            const JobState state = stateOf(m_database, id);
            if (!hasEnded(state)) throw notAllowed(id, state, "taken off the list");
            Statement remove(m_database,
                             std::string("DELETE FROM jobs WHERE id = ?") + kNobodyWaits);
            remove.with(id).next();
            if (m_database.changedRows() == 0)
                throw Error(ErrorCode::InvalidArgument,
                            "Job " + std::to_string(id) + " is what another job waits for.",
                            "Try it again, or cancel the other one first.");
        }
        change.commit();
    });
}

Result<int64_t> QueueStore::dataVersion() {
    return answered([&] { return m_database.integer("PRAGMA data_version"); });
}

} // namespace kinora::core
