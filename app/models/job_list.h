#pragma once
// The queue as the window shows it: rows in their order, put together from two sources. What the
// queue's tables say arrives some time after it was so (QueueView); what this process computes is
// told at once (JobChangedEvent and the engine's events) and is believed first. A person's
// cancelling is shown before either. UI thread only.

#include "app/models/queue_desk.h"
#include "core/queue/queue_event.h"

#include <QString>

#include <chrono>
#include <map>
#include <set>
#include <vector>

namespace kinora::app {

using JobNumber = core::QueueJobId;

enum class JobState { Waiting, Loading, Running, Paused, Finished, Failed, Cancelled };

struct Job {
    JobNumber number = 0;
    int64_t revision = 0;
    pipelines::ImageRequest request; // resolved once the engine has planned it
    JobState state = JobState::Waiting;
    QString loading; // what is being read, while Loading
    double loadedFraction = 0;
    int64_t picture = 0; // the first of the batch at work
    int64_t step = 0, steps = 0;
    double ofAll = 0; // share of all that there is to do, as the engine tells it; 0: it did not yet
    double secondsPerStep = 0, secondsLeft = 0;
    int64_t picturesDone = 0;
    bool stopping = false;        // somebody wishes that it is paused or cancelled
    bool setAside = false;        // Failed: it ended the processes that computed it
    double seconds = 0;           // Finished: since it began
    QString message, advice;      // Failed, and why it is tried again
    std::vector<JobNumber> needs; // it waits for these

    bool active() const { return state == JobState::Loading || state == JobState::Running; }
    bool ended() const { return state >= JobState::Finished; }
    double fraction() const; // of all steps of all pictures, 0 to 1
};

class JobList {
  public:
    const std::vector<Job>& jobs() const { return m_jobs; }
    const core::QueueStatus& status() const { return m_status; }
    // Those that wait and have no row.
    int64_t beyond() const { return m_beyond; }
    const Job* find(JobNumber number) const;
    Job* find(JobNumber number);

    // Jobs that were active and are not any more.
    std::vector<Job> merge(QueueView view);

    enum class Became { Nothing, Listed, Begun, Changed, Interrupted, Ended };
    // What this process tells of a job that it runs.
    Became take(const core::QueueJob& job);

    // Not shown any more, whatever older news say.
    void hide(JobNumber number);
    // It could not be cancelled after all.
    void unhide(JobNumber number) { m_hidden.erase(number); }

  private:
    struct Running {
        std::chrono::steady_clock::time_point began;
    };
    bool isHidden(const core::QueueJob& job) const;
    void place(Job job);
    Became begin(Job job);
    Became end(Job job, const core::QueueJob& told);

    std::vector<Job> m_jobs;
    core::QueueStatus m_status;
    int64_t m_beyond = 0;
    std::map<JobNumber, Running> m_running; // by this process
    // Ended here, or called off: news of this revision or an older one are old.
    std::map<JobNumber, int64_t> m_hidden;
    std::map<JobNumber, int64_t> m_failed; // the same, but with a row
};

// Of one job, as the tables have it.
Job jobFromQueue(const core::QueueJob& queued);
// What the engine tells of a job that runs; false: nothing that is shown has changed.
bool follow(Job& job, const core::EngineEvent& event);

} // namespace kinora::app
