#include "core/engine/in_process_engine.h"

#include "core/engine/checkpoint_file.h"
#include "core/engine/job_runner.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace kinora::core {

struct InProcessEngine::Job {
    JobId id = 0;
    pipelines::ImageRequest request;
    EngineSink sink;
    std::filesystem::path checkpoint; // empty: none
    JobControl control;
};

InProcessEngine::InProcessEngine(const kernels::BackendRegistry& backends,
                                 const ModelLibrary& library, Options options)
    : m_runner(std::make_unique<JobRunner>(backends, library,
                                           JobRunner::Options{options.threads, options.version,
                                                              options.dataFolder,
                                                              options.memoryLimitBytes})),
      m_thread([this](std::stop_token stop) { work(std::move(stop)); }) {}

InProcessEngine::~InProcessEngine() {
    std::deque<std::shared_ptr<Job>> waiting;
    {
        std::lock_guard lock(m_mutex);
        waiting.swap(m_waiting);
        if (m_running) {
            JobControl& control = m_running->control;
            if (!control.cancel.cancelled()) control.leave.cancel();
            control.cancel.cancel();
        }
    }
    m_thread.request_stop();
    m_wake.notify_all();
    m_thread.join();
    for (const auto& job : waiting) job->sink(CancelledEvent{});
}

JobId InProcessEngine::submit(const pipelines::ImageRequest& request, EngineSink sink,
                              const std::filesystem::path& checkpoint) {
    auto job = std::make_shared<Job>();
    job->request = request;
    job->sink = std::move(sink);
    job->checkpoint = checkpoint;
    std::lock_guard lock(m_mutex);
    job->id = m_nextJob++;
    m_waiting.push_back(job);
    m_wake.notify_one();
    return job->id;
}

void InProcessEngine::end(JobId id, Keep keep) {
    std::shared_ptr<Job> removed;
    {
        std::lock_guard lock(m_mutex);
        if (m_running && m_running->id == id) {
            JobControl& control = m_running->control;
            if (keep == Keep::Yes && !control.cancel.cancelled()) control.leave.cancel();
            control.cancel.cancel();
        }
        const auto job = std::ranges::find(m_waiting, id, &Job::id);
        if (job != m_waiting.end()) {
            removed = *job;
            m_waiting.erase(job);
        }
    }
    if (!removed) return;
    if (keep == Keep::No && !removed->checkpoint.empty())
        CheckpointFile(removed->checkpoint).clear();
    removed->sink(CancelledEvent{});
}

void InProcessEngine::stopAfterThis(JobId id) {
    std::lock_guard lock(m_mutex);
    if (m_running && m_running->id == id) m_running->control.stopAfterThis = true;
    for (const auto& job : m_waiting) // its first batch is then the last
        if (job->id == id) job->control.stopAfterThis = true;
}

Result<pipelines::Plan> InProcessEngine::plan(const pipelines::ImageRequest& request) {
    return m_runner->plan(request);
}

void InProcessEngine::work(std::stop_token stop) {
    while (true) {
        std::shared_ptr<Job> job;
        {
            std::unique_lock lock(m_mutex);
            m_wake.wait(lock, stop, [this] { return !m_waiting.empty(); });
            if (stop.stop_requested()) return;
            job = m_running = m_waiting.front();
            m_waiting.pop_front();
        }
        std::optional<CheckpointFile> kept;
        if (!job->checkpoint.empty()) kept.emplace(job->checkpoint);
        m_runner->run(job->request, job->sink, job->control, kept ? &*kept : nullptr);
        const std::lock_guard lock(m_mutex);
        m_running.reset(); // `job` is the last to go, with its sink, and outside the lock
    }
}

} // namespace kinora::core
