#include "core/queue/queue_ledger.h"

#include "core/queue/queue_folder.h"
#include "core/queue/queue_rows.h"
#include "core/queue/wall_clock.h"

namespace kinora::core {

namespace {

// Jobs that wait for nothing but their turn.
constexpr const char* kReady =
    "j.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM needs n JOIN jobs d ON d.id = n.needed "
    "WHERE n.job = j.id AND d.state <> 'finished')";

std::string nameOf(Database& database) {
    Statement row(database, "SELECT name FROM queue");
    if (!row.next()) throw Error(ErrorCode::BadFile, "The queue lacks its row.");
    std::string name = row.text(0);
    // It becomes part of file names.
    if (name.size() != 16 || name.find_first_not_of("0123456789abcdef") != std::string::npos)
        throw Error(ErrorCode::BadFile, "The queue's name is not one.",
                    "Another program may have changed the queue.");
    return name;
}

Intent intentFromRow(const Statement& row) {
    return {.job = row.integer(0),
            .picture = row.integer(1),
            .path = row.text(2),
            .temporary = row.text(3),
            .fileHash = row.text(4),
            .pixelHash = row.text(5),
            .overwrite = row.integer(6) != 0 ? Overwrite::Yes : Overwrite::No};
}

class WithoutFlushing {
  public:
    explicit WithoutFlushing(Database& database) : m_database(database) {
        database.execute("PRAGMA synchronous = NORMAL");
    }
    ~WithoutFlushing() {
        try {
            m_database.execute("PRAGMA synchronous = FULL");
        } catch (const Error&) {
            // It touches no file: only memory could have run out.
        }
    }
    WithoutFlushing(const WithoutFlushing&) = delete;
    WithoutFlushing& operator=(const WithoutFlushing&) = delete;

  private:
    Database& m_database;
};

constexpr const char* kSelectIntents =
    "SELECT i.job, i.picture, i.path, i.temporary, i.file_hash, i.pixel_hash, j.overwrite, i.state "
    "FROM items i JOIN jobs j ON j.id = i.job ";

} // namespace

QueueLedger::QueueLedger(Database& database) : m_database(database), m_name(nameOf(database)) {}

std::optional<QueueJobId> QueueLedger::nextJob(const std::set<QueueJobId>& except) {
    Statement rows(m_database,
                   std::string("SELECT j.id FROM jobs j LEFT JOIN turns t ON t.project = j.project "
                               "WHERE ") +
                       kReady +
                       " ORDER BY j.priority DESC, coalesce(t.turn, 0), j.position, j.id LIMIT ?");
    rows.with(static_cast<int64_t>(except.size()) + 1);
    while (rows.next())
        if (const QueueJobId id = rows.integer(0); !except.contains(id)) return id;
    return std::nullopt;
}

int64_t QueueLedger::readyJobs() {
    return m_database.integer(std::string("SELECT count(*) FROM jobs j WHERE ") + kReady);
}

std::optional<Ticket> QueueLedger::take(QueueJobId id, const IsKept& isKept) {
    Transaction change(m_database);
    Ticket ticket;
    {
        Statement row(m_database, std::string(kSelectJobs) + "WHERE j.id = ?");
        row.with(id);
        if (!row.next()) return std::nullopt;
        ticket.job = jobFromRow(row, m_database);
    }
    if (!after(ticket.job.state, JobAction::Start)) return std::nullopt;
    ticket.job.state = JobState::Running;
    ticket.job.error.reset();
    ticket.epoch = m_database.integer("UPDATE queue SET epoch = epoch + 1, turn = turn + 1 "
                                      "RETURNING epoch");
    if (!isKept || !isKept(ticket.job))
        ticket.job.firstPicture = m_database.integer(
            "SELECT coalesce(min(picture), 0) FROM items WHERE job = ? AND state <> 'done'", id);
    m_database.run("UPDATE jobs SET state = 'running', wish = 'none', first_picture = ?, "
                   "error_code = '', error_message = '', error_advice = '' WHERE id = ?",
                   ticket.job.firstPicture, id);
    m_database.run("INSERT INTO leases VALUES (?, ?)", id, ticket.epoch);
    m_database.run("INSERT INTO attempts VALUES (?, ?, ?, NULL, '', '', '')", id, ticket.epoch,
                   secondsSince1970());
    m_database.run("INSERT INTO turns SELECT ?, turn FROM queue WHERE true ON CONFLICT (project) "
                   "DO UPDATE SET turn = excluded.turn",
                   ticket.job.project);
    change.commit();
    return ticket;
}

void QueueLedger::refuse(QueueJobId id, const Error& error) {
    m_database.run("UPDATE jobs SET state = ?, error_code = ?, error_message = ?, error_advice = ? "
                   "WHERE id = ? AND state = 'waiting'",
                   jobStateName(*after(JobState::Waiting, JobAction::Fail)),
                   errorCodeName(error.code()), error.message(), error.advice(), id);
}

bool QueueLedger::end(QueueJobId id, int64_t epoch, const AttemptEnd& end) {
    const std::optional<JobState> next = after(JobState::Running, end.action);
    if (!next) throw Error(ErrorCode::Internal, "A job that runs cannot end so.");
    Transaction change(m_database);
    m_database.run("DELETE FROM leases WHERE job = ? AND epoch = ?", id, epoch);
    if (m_database.changedRows() == 0) return false;
    const std::string code = end.error ? std::string(errorCodeName(end.error->code())) : "";
    m_database.run("UPDATE jobs SET state = ?, wish = 'none', error_code = ?, error_message = ?, "
                   "error_advice = ? WHERE id = ?",
                   jobStateName(*next), code, end.error ? end.error->message() : "",
                   end.error ? end.error->advice() : "", id);
    m_database.run("UPDATE attempts SET seconds = ?, outcome = ?, why = ? WHERE job = ? AND "
                   "epoch = ?",
                   end.seconds, jobActionName(end.action), end.why, id, epoch);
    m_database.run("DELETE FROM progress WHERE job = ?", id);
    change.commit();
    return true;
}

ItemState QueueLedger::item(QueueJobId id, int64_t picture, Intent& intent) {
    Statement row(m_database, std::string(kSelectIntents) + "WHERE i.job = ? AND i.picture = ?");
    row.with(id, picture);
    if (!row.next())
        throw Error(ErrorCode::NotFound, "Job " + std::to_string(id) + " has no picture " +
                                             std::to_string(picture) + " any more.");
    intent = intentFromRow(row);
    const std::optional<ItemState> state = itemStateNamed(row.text(7));
    if (!state) throw Error(ErrorCode::BadFile, "A picture of the queue is in no known state.");
    return *state;
}

bool QueueLedger::intend(const Intent& intent, int64_t epoch) {
    m_database.run("UPDATE items SET state = 'publishing', path = ?, temporary = ?, file_hash = ?, "
                   "pixel_hash = ? WHERE job = ? AND picture = ? AND state <> 'done' AND EXISTS "
                   "(SELECT 1 FROM leases WHERE job = items.job AND epoch = ?)",
                   intent.path.native(), intent.temporary.native(), intent.fileHash,
                   intent.pixelHash, intent.job, intent.picture, epoch);
    return m_database.changedRows() == 1;
}

void QueueLedger::published(const Intent& intent) {
    Transaction change(m_database);
    m_database.run("UPDATE items SET state = 'done', path = ? WHERE job = ? AND picture = ? AND "
                   "state = 'publishing'",
                   intent.path.native(), intent.job, intent.picture);
    if (m_database.changedRows() == 1)
        m_database.run("UPDATE jobs SET pictures_done = pictures_done + 1 WHERE id = ?",
                       intent.job);
    change.commit();
}

void QueueLedger::forgetIntent(const Intent& intent) {
    m_database.run("UPDATE items SET state = 'waiting', temporary = '', file_hash = '', pixel_hash "
                   "= '' WHERE job = ? AND picture = ? AND state = 'publishing'",
                   intent.job, intent.picture);
}

void QueueLedger::moveIntent(const Intent& intent) {
    m_database.run("UPDATE items SET path = ? WHERE job = ? AND picture = ? AND state = "
                   "'publishing'",
                   intent.path.native(), intent.job, intent.picture);
}

std::vector<Intent> QueueLedger::openIntents() {
    Statement rows(m_database, std::string(kSelectIntents) + "WHERE i.state = 'publishing'");
    std::vector<Intent> intents;
    while (rows.next()) intents.push_back(intentFromRow(rows));
    return intents;
}

std::vector<Intent> QueueLedger::missingPictures(QueueJobId id) {
    Statement rows(m_database,
                   std::string(kSelectIntents) + "WHERE i.job = ? AND i.state = 'waiting'");
    rows.with(id);
    std::vector<Intent> intents;
    while (rows.next()) intents.push_back(intentFromRow(rows));
    return intents;
}

std::vector<Ticket> QueueLedger::openTickets() {
    Statement rows(m_database, "SELECT l.job, l.epoch, j.pictures, j.pictures_done, j.wish FROM "
                               "leases l JOIN jobs j ON j.id = l.job ORDER BY l.job");
    std::vector<Ticket> tickets;
    while (rows.next()) {
        Ticket ticket;
        ticket.job.id = rows.integer(0);
        ticket.epoch = rows.integer(1);
        ticket.job.pictures = rows.integer(2);
        ticket.job.picturesDone = rows.integer(3);
        ticket.job.wish = wishNamed(rows.text(4)).value_or(Wish::None);
        tickets.push_back(std::move(ticket));
    }
    return tickets;
}

Wish QueueLedger::wish(QueueJobId id) {
    Statement row(m_database, "SELECT wish FROM jobs WHERE id = ?");
    row.with(id);
    return row.next() ? wishNamed(row.text(0)).value_or(Wish::None) : Wish::Cancel;
}

QueuePause QueueLedger::pause() {
    Statement row(m_database, "SELECT paused FROM queue");
    return row.next() ? queuePauseNamed(row.text(0)).value_or(QueuePause::No) : QueuePause::No;
}

int64_t QueueLedger::picturesDone(QueueJobId id) {
    return m_database.integer("SELECT pictures_done FROM jobs WHERE id = ?", id);
}

void QueueLedger::setProgress(QueueJobId id, const JobProgress& progress) {
    const WithoutFlushing quickly(m_database); // not worth waiting for the disk
    m_database.run("INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?)", id, progress.picture,
                   progress.step, progress.steps, progress.secondsLeft);
}

void QueueLedger::setDevice(QueueJobId id, int64_t epoch, const std::string& device) {
    m_database.run("UPDATE attempts SET device = ? WHERE job = ? AND epoch = ?", device, id, epoch);
}

void QueueLedger::setTrouble(const std::optional<Error>& trouble) {
    m_database.run("UPDATE queue SET trouble_code = ?, trouble = ?",
                   trouble ? errorCodeName(trouble->code()) : "",
                   trouble ? trouble->message() : "");
}

void QueueLedger::setCapacity(int64_t jobs) {
    m_database.run("UPDATE queue SET capacity = ?1 WHERE capacity <> ?1", jobs);
}

void QueueLedger::noteStepTimes(const std::string& kind, const StepTimes& measured) {
    // Half of what was, half of what is: machines slow down and speed up.
    m_database.run("INSERT INTO step_times VALUES (?, ?, ?, ?) ON CONFLICT (kind) DO UPDATE SET "
                   "steps = excluded.steps, seconds_per_step = (seconds_per_step + "
                   "excluded.seconds_per_step) / 2, seconds_beside = (seconds_beside + "
                   "excluded.seconds_beside) / 2",
                   kind, measured.steps, measured.secondsPerStep, measured.secondsBeside);
}

std::set<std::string> QueueLedger::checkpointNames() {
    Statement rows(m_database,
                   "SELECT id, revision FROM jobs WHERE state IN ('waiting', 'running', 'paused')");
    std::set<std::string> names;
    while (rows.next()) names.insert(checkpointName(rows.integer(0), rows.integer(1)));
    return names;
}

} // namespace kinora::core
