#pragma once
// The jobs of a WorkerEngine that wait for a worker, first come first served; a job whose worker
// was lost goes back to the front. Any thread.

#include "core/engine/engine.h"
#include "core/engine/worker/job_losses.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

// One job on its way through workers. Shared by the engine, which cancels it, and by whoever took
// it out of the queue, to whom all of it belongs but the flags.
struct WorkerJob {
    JobId id = 0;
    pipelines::ImageRequest request; // the seed is filled in once it is drawn
    EngineSink sink;
    std::filesystem::path checkpointFile;
    std::atomic<bool> cancelled = false, interrupted = false, stopAfterThis = false;
    bool unwanted() const { return cancelled || interrupted; }

    // Since its first event.
    bool planned = false;     // the PlannedEvent was handed on
    int64_t picturesDone = 0; // handed on

    // How far the worker that has it came.
    JobPlace at;

    // Where a worker was lost with it.
    std::vector<std::byte> checkpoint; // the newest that the worker left
    std::string interruption;          // "worker 2 was killed (signal 9)"
    JobLosses losses;
};

class WorkerJobs {
  public:
    void add(std::shared_ptr<WorkerJob> job);
    void putBack(std::shared_ptr<WorkerJob> job);
    enum class Taker { Waits, Takes, GivesUp };
    // Waits for a job. nullptr: `stop` is asked for, or the taker gives up. The taker is asked
    // again whenever wake() is called.
    std::shared_ptr<WorkerJob> take(const std::stop_token& stop,
                                    const std::function<Taker()>& taker);
    // Out of the queue; nullptr where it is not in it.
    std::shared_ptr<WorkerJob> remove(JobId id);
    std::deque<std::shared_ptr<WorkerJob>> removeAll();
    void wake();

  private:
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::deque<std::shared_ptr<WorkerJob>> m_waiting;
};

} // namespace kinora::core
