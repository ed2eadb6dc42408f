#pragma once
// Keeps one worker process alive and gives it jobs: starts it, watches it, takes a job out of a
// dead worker's hands and starts the next worker. A worker that does not start is tried again a few
// times, later each time; then it is off, and says why.
//
// Two threads: one talks to the worker, one watches it. They are of this object.

#include "core/engine/worker/worker_connection.h"
#include "core/engine/worker/worker_jobs.h"
#include "core/engine/worker/worker_process.h"
#include "core/engine/worker_library.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace kinora::core {

class Supervisor {
  public:
    struct Options {
        WorkerEngineOptions engine; // of all of them
        int number = 1;             // 1, 2, ...: "worker 2"
        int threads = 1;            // of this worker
        // Called on this object's thread when the worker is ready, or off.
        std::function<void()> changed;
    };
    // jobs and alive outlive this. alive: workers of the engine that are not off; this one takes
    // itself out.
    Supervisor(Options options, WorkerJobs& jobs, std::atomic<int>& alive);
    // Ends the job that runs with CancelledEvent, keeping its checkpoint file; the worker leaves.
    ~Supervisor();
    // From stop() until nothing of it runs any more. One thread.
    void join();

    // All of these from any thread.
    void stop(); // begins what join() waits for
    // To the worker, where it runs that job.
    void passOnWishes(const WorkerJob& job);
    // nullptr while there is no worker that answers. Shared: it may be lost while it is asked.
    std::shared_ptr<WorkerConnection> connection() const;
    WorkerStatus status() const;

  private:
    // One worker process from start to end.
    struct Life;

    void keep(const std::stop_token& stop);
    Result<void> start(const std::stop_token& stop);
    void serve(const std::stop_token& stop);
    void runJob(const std::shared_ptr<WorkerJob>& job);
    bool giveTo(Life& life, WorkerJob& job);
    void deliver(WorkerJob& job, const EngineEvent& event);
    void lose(const std::shared_ptr<WorkerJob>& job, const std::string& how);
    std::string end();
    void watch();
    void watchJob(Life& life, const wire::Pulse& pulse);
    static void hang(Life& life, const std::string& what);
    static void askToEnd(Life& life, JobId job, WorkerConnection::Keep keep);
    bool waitBeforeNextStart(const std::stop_token& stop);
    void turnOff(const std::stop_token& stop);

    const Options m_options;
    WorkerJobs& m_jobs;
    std::atomic<int>& m_alive;
    std::atomic<bool> m_stopping = false;
    int m_failures = 0;           // starts in a row that led to nothing; keep()'s thread
    bool m_awaitsResumed = false; // the job's next event should say that it goes on; same

    mutable std::mutex m_mutex; // guards what follows
    std::condition_variable_any m_changed;
    std::shared_ptr<Life> m_life; // shared: the watching thread and askers hold it for a while
    std::shared_ptr<WorkerJob> m_current;
    double m_stepSeconds = 0; // predicted, of the current job
    bool m_off = false;
    std::string m_problem; // why the last worker ended or did not start
    std::jthread m_thread; // last: joins before the rest goes
};

} // namespace kinora::core
