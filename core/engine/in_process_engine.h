#pragma once
// The engine that computes in this process, on one thread of its own. It keeps the last model warm.

#include "core/engine/engine.h"
#include "core/library/model_library.h"
#include "kernels/backend/registry.h"

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace kinora::core {

class JobRunner;

class InProcessEngine : public Engine {
  public:
    struct Options {
        int threads = 0;                  // 0: one per core
        std::string version;              // what provenance says: "kinora 0.1.0 (abc1234)"
        std::filesystem::path dataFolder; // measured speeds are cached in it; empty: not cached
        size_t memoryLimitBytes = 0;      // 0: what the machine has
    };

    // Both must outlive the engine; the registry has the back ends "cpu" and "meta".
    InProcessEngine(const kernels::BackendRegistry& backends, const ModelLibrary& library,
                    Options options);
    // Ends every job with CancelledEvent, and waits for the one that runs. Checkpoints are kept:
    // another engine goes on with these jobs.
    ~InProcessEngine() override;

    using Engine::submit;
    JobId submit(const pipelines::ImageRequest& request, EngineSink sink,
                 const std::filesystem::path& checkpoint) override;
    int capacity() const override { return 1; }
    void cancel(JobId job) override { end(job, Keep::No); }
    void interrupt(JobId job) override { end(job, Keep::Yes); }
    void stopAfterThis(JobId job) override;
    Result<pipelines::Plan> plan(const pipelines::ImageRequest& request) override;

  private:
    struct Job;

    enum class Keep { No, Yes }; // what was kept of the job
    void end(JobId job, Keep keep);
    void work(std::stop_token stop);

    std::unique_ptr<JobRunner> m_runner; // what jobs share: loaded model, planners, speeds
    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::deque<std::shared_ptr<Job>> m_waiting; // shared: cancel() and the thread both hold a job
    std::shared_ptr<Job> m_running;
    JobId m_nextJob = 1;
    std::jthread m_thread; // last: joins before the rest goes
};

} // namespace kinora::core
