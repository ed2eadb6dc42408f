#include "core/queue/queue_store.h"

#include "core/queue/answered.h"
#include "core/queue/queue_rows.h"
#include "core/queue/queue_schema.h"
#include "core/queue/wall_clock.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

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

int64_t revisionOf(Database& database, QueueJobId id) {
    return database.integer("SELECT revision FROM jobs WHERE id = ?", id);
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
        for (const NewJob& job : jobs) checkNewJob(job);
        std::vector<QueueJobId> ids;
        Transaction change(m_database);
        for (const NewJob& job : jobs) ids.push_back(insert(job));
        change.commit();
        return ids;
    });
}

QueueJobId QueueStore::insert(const NewJob& job) {
    for (const QueueJobId needed : job.needs) stateOf(m_database, needed);
    m_database.run(
        "INSERT INTO jobs (kind, state, project, title, priority, position, request, format, "
        "overwrite, metadata, pictures, pictures_done, revision, first_picture, wish, added, "
        "error_code, error_message, error_advice, step_kind) VALUES ('image', ?, ?, ?, ?, "
        "(SELECT coalesce(max(position), 0.0) + 1.0 FROM jobs WHERE priority = ?), ?, ?, ?, ?, ?, "
        "0, 0, 0, 'none', ?, '', '', '', ?)",
        jobStateName(job.paused ? JobState::Paused : JobState::Waiting), job.project,
        job.request.prompt, job.priority, job.priority, pipelines::toJson(job.request).dump(),
        formatName(job.output.format), job.output.overwrite == Overwrite::Yes ? 1 : 0,
        job.output.metadata ? 1 : 0, job.request.count, secondsSince1970(), stepKind(job.request));
    const QueueJobId id = m_database.lastRowId();
    insertItems(id, job);
    for (const QueueJobId needed : job.needs)
        m_database.run("INSERT OR IGNORE INTO needs VALUES (?, ?)", id, needed);
    return id;
}

void QueueStore::insertItems(QueueJobId id, const NewJob& job) {
    Statement insert(m_database, "INSERT INTO items VALUES (?, ?, 'waiting', ?, '', '', '')");
    for (size_t picture = 0; picture < job.paths.size(); ++picture) {
        insert.with(id, static_cast<int64_t>(picture), job.paths[picture].native());
        insert.next();
        insert.reset();
    }
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
        std::vector<std::filesystem::path> unwanted; // checkpoints: nothing goes on from them
        Transaction change(m_database);
        for (const QueueJobId id : jobs) {
            applyTo(action, id);
            if (action == JobAction::Cancel && stateOf(m_database, id) == JobState::Cancelled)
                unwanted.push_back(m_folder.checkpoint(id, revisionOf(m_database, id)));
        }
        change.commit();
        std::error_code ignored; // the queue's next owner sweeps what is left
        for (const std::filesystem::path& checkpoint : unwanted)
            std::filesystem::remove(checkpoint, ignored);
    });
}

void QueueStore::applyTo(JobAction action, QueueJobId id) {
    const JobState state = stateOf(m_database, id);
    const std::optional<JobState> next = after(state, action);
    const bool asked = action == JobAction::Pause || action == JobAction::Resume ||
                       action == JobAction::Cancel || action == JobAction::Retry;
    if (!asked) throw Error(ErrorCode::Internal, "That is for the queue's owner to do.");
    if (state == JobState::Running && action == JobAction::Resume) { // not paused yet: it goes on
        m_database.run("UPDATE jobs SET wish = 'none' WHERE id = ? AND wish <> 'cancel'", id);
        return;
    }
    if (!next) throw notAllowed(id, state, jobActionName(action));
    if (state == JobState::Running) {
        const Wish wish = action == JobAction::Cancel ? Wish::Cancel : Wish::Pause;
        m_database.run("UPDATE jobs SET wish = ? WHERE id = ? AND wish <> 'cancel'", wishName(wish),
                       id);
        return;
    }
    // Tried again it starts from the pictures that are there, not from what ended it.
    const int raise = action == JobAction::Retry ? 1 : 0;
    m_database.run("UPDATE jobs SET state = ?, wish = 'none', revision = revision + ?, "
                   "error_code = '', error_message = '', error_advice = '' WHERE id = ?",
                   jobStateName(*next), raise, id);
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
        const int64_t begun = m_database.integer("SELECT count(*) FROM attempts WHERE job = ?", id);
        if ((state != JobState::Waiting && state != JobState::Paused) || begun > 0)
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
        Statement statement(m_database, "DELETE FROM jobs WHERE state IN (" +
                                            placeholders(states.size()) + ")" + kNobodyWaits);
        int index = 0;
        bindStates(statement, index, states);
        statement.next();
        return m_database.changedRows();
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
