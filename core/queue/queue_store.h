#pragma once
// The queue as everybody sees it: jobs are added, listed, and told what to do. Any number of
// processes may have it open; one of them works through it (dispatcher.h).
//
//     Result<QueueStore> queue = QueueStore::open(dataFolder);
//     Result<QueueJobId> job = queue->add(newJob);
//     queue->apply(JobAction::Pause, {*job});
//
// One thread at a time. Each change is on the disk when its call returns, whole or not at all. Any
// call: Error{DiskFull, Io, Busy (another process writes for seconds), BadFile (the file was
// damaged)}.

#include "core/queue/queue_folder.h"
#include "core/queue/queue_job.h"
#include "core/queue/sqlite.h"
#include "kernels/base/result.h"

#include <span>

namespace kinora::core {

class QueueStore {
  public:
    // Makes the queue where there is none. Error{Unsupported}: on a network, or of a newer version.
    static Result<QueueStore> open(const std::filesystem::path& dataFolder);

    // Error{InvalidArgument}: a path that is not absolute or of no picture, a job that it needs is
    // not there.
    Result<QueueJobId> add(const NewJob& job);
    // All or none.
    Result<std::vector<QueueJobId>> add(std::span<const NewJob> jobs);

    // In the order in which they would run, whatever their state.
    Result<std::vector<QueueJob>> list(const JobFilter& filter);
    Result<QueueJob> find(QueueJobId id); // Error{NotFound}
    Result<std::vector<QueueItem>> items(QueueJobId id);
    Result<std::vector<QueueAttempt>> attempts(QueueJobId id);
    Result<QueueStatus> status();
    Result<std::vector<QueueJobId>> jobsIn(std::span<const JobState> states);
    // Names that pictures of the queue will have: absolute paths, of jobs that have not ended.
    Result<std::vector<std::string>> promisedPaths();

    // Pause, Resume, Cancel or Retry, of all or none. A job that runs is asked: its owner does it,
    // within a second where there is one. Error{InvalidArgument}: not in its state (a finished job
    // cannot be paused). NotFound.
    Result<void> apply(JobAction action, std::span<const QueueJobId> jobs);
    // The pictures that are being computed are finished first. Running jobs only.
    Result<void> pauseAfterThis(std::span<const QueueJobId> jobs);
    // The queue as a whole. Now: jobs that run are interrupted. AfterThis: the pictures that are
    // being computed are finished first.
    Result<void> pauseQueue(QueuePause pause);

    // Before it began, for the first time or again. Error{InvalidArgument}: it has, or pictures of
    // it are there.
    Result<void> edit(QueueJobId id, const NewJob& job);
    Result<void> setPriority(QueueJobId id, int64_t priority);
    // To the place before another job, among those of its priority; 0: to the end.
    Result<void> moveBefore(QueueJobId id, QueueJobId other);

    // Takes jobs of these states, all of which are ends, off the list. Those that others wait for
    // stay. Returns how many went. Pictures stay where they are.
    Result<int64_t> clear(std::span<const JobState> states);

    // Takes these jobs off the list, all or none, as clear() does. Error{InvalidArgument}: one has
    // not ended, or another waits for it. NotFound.
    Result<void> remove(std::span<const QueueJobId> jobs);

    // Changes whenever another connection changed the queue.
    Result<int64_t> dataVersion();

    const QueueFolder& folder() const { return m_folder; }
    Database& database() { return m_database; }

  private:
    QueueStore(QueueFolder folder, Database database);

    QueueJobId insert(const NewJob& job, const std::string& request);
    void insertItems(QueueJobId id, const NewJob& job);
    JobState applyTo(JobAction action, QueueJobId id, JobState state);
    void renumber();

    QueueFolder m_folder;
    Database m_database;
};

} // namespace kinora::core
