#pragma once
// What only the queue's owner writes: who computes what, and which picture is under which name.
// Each function is one transaction; all throw Error as Database does.

#include "core/queue/queue_job.h"
#include "core/queue/sqlite.h"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace kinora::core {

// The right to complete a job, until it ends.
struct Ticket {
    QueueJob job;
    int64_t epoch = 0; // higher than that of every ticket before
};

// A picture that is about to get its name.
struct Intent {
    QueueJobId job = 0;
    int64_t picture = 0;
    std::filesystem::path path;      // the name
    std::filesystem::path temporary; // the file beside it, whole and flushed
    std::string fileHash;            // 64 hexadecimal digits, of the file
    std::string pixelHash;           // "sha256:..."
    Overwrite overwrite = Overwrite::No;
};

struct AttemptEnd {
    JobAction action = JobAction::Finish;
    std::string why = {};            // "", "the queue was paused", an error's message
    std::optional<Error> error = {}; // what the job shows from now on
    double seconds = 0;              // that it ran, without those that the machine slept
};

struct StepTimes {
    int64_t steps = 0;         // of one picture
    double secondsPerStep = 0; // of one picture
    double secondsBeside = 0;  // of one picture: text, decoding, writing
};

class QueueLedger {
  public:
    explicit QueueLedger(Database& database);

    // Told apart from other queues by this: 16 hexadecimal digits.
    const std::string& queueName() const { return m_name; }

    // The job that is next: the highest priority; among projects the one that was served longest
    // ago; then the order of the queue. Jobs whose needs are not finished wait.
    std::optional<QueueJobId> nextJob(const std::set<QueueJobId>& except);
    // Jobs that could run now.
    int64_t readyJobs();

    // Asked of the job as it is taken: whether a checkpoint of it is kept. Then the engine gets the
    // request as it was given before, else one that begins at the first picture that is not there.
    using IsKept = std::function<bool(const QueueJob& job)>;
    // nullopt: somebody else changed the job, and it does not wait any more.
    std::optional<Ticket> take(QueueJobId id, const IsKept& isKept = {});
    // A job that waits and cannot even begin.
    void refuse(QueueJobId id, const Error& error);
    // False: the epoch is an old one, and nothing was written.
    bool end(QueueJobId id, int64_t epoch, const AttemptEnd& end);

    // The picture's own row; with the state that it is in.
    ItemState item(QueueJobId id, int64_t picture, Intent& intent);
    // False: the epoch is an old one, or the picture is there already.
    bool intend(const Intent& intent, int64_t epoch);
    void published(const Intent& intent);
    void forgetIntent(const Intent& intent);
    // It gets another name than was logged.
    void moveIntent(const Intent& intent);
    std::vector<Intent> openIntents();
    // Where pictures of that job are not there yet.
    std::vector<Intent> missingPictures(QueueJobId id);

    // Of a process that went without ending them.
    std::vector<Ticket> openTickets();

    Wish wish(QueueJobId id);
    QueuePause pause();
    int64_t picturesDone(QueueJobId id);
    void setProgress(QueueJobId id, const JobProgress& progress);
    void setDevice(QueueJobId id, int64_t epoch, const std::string& device);
    void setTrouble(const std::optional<Error>& trouble);
    void setCapacity(int64_t jobs);
    void noteStepTimes(const std::string& kind, const StepTimes& measured);
    // "ID-REVISION" of jobs that may go on.
    std::set<std::string> checkpointNames();

  private:
    Database& m_database;
    std::string m_name;
};

} // namespace kinora::core
