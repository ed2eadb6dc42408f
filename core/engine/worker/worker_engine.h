#pragma once
// The engine that computes in processes of its own, so that a crash costs a step and not the
// studio. It loads no model and computes nothing itself, plans included.

#include "core/engine/worker/supervisor.h"
#include "core/engine/worker/worker_jobs.h"
#include "core/engine/worker_library.h"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace kinora::core {

class WorkerEngine : public Engine {
  public:
    // Starts the workers; they come up beside.
    explicit WorkerEngine(const WorkerEngineOptions& options);
    // Ends every job with CancelledEvent; checkpoint files are kept. Workers leave.
    ~WorkerEngine() override;

    using Engine::submit;
    JobId submit(const pipelines::ImageRequest& request, EngineSink sink,
                 const std::filesystem::path& checkpoint) override;
    // Workers that are not off; 1 where all are.
    int capacity() const override;
    void cancel(JobId job) override;
    void interrupt(JobId job) override;
    void stopAfterThis(JobId job) override;
    Result<pipelines::Plan> plan(const pipelines::ImageRequest& request) override;

    std::vector<WorkerStatus> workers() const override;

  private:
    std::shared_ptr<WorkerConnection> anyConnection() const;
    std::shared_ptr<WorkerJob> find(JobId job);
    void passOnEnd(const WorkerJob& job);

    WorkerJobs m_jobs;
    std::atomic<int> m_alive; // workers that are not off
    std::mutex m_mutex;       // guards what follows, with the condition
    std::condition_variable m_changed;
    std::unordered_map<JobId, std::weak_ptr<WorkerJob>> m_known; // some may have ended
    size_t m_mostKnown = 64;                                     // before those are forgotten
    JobId m_nextJob = 1;
    std::vector<std::unique_ptr<Supervisor>> m_supervisors; // last: they end before the rest goes
};

} // namespace kinora::core
