#include "core/engine/worker/worker_engine.h"

#include "core/engine/worker/messages.h"
#include "core/engine/worker/runtime_folder.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace kinora::core {

WorkerEngine::WorkerEngine(const WorkerEngineOptions& options)
    : m_alive(std::max(options.workers, 1)) {
    if (const Result<std::filesystem::path> folder = runtimeFolder()) removeStaleSockets(*folder);
    const int workers = m_alive;
    const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    const int threads = options.threads > 0 ? options.threads : cores;
    for (int number = 1; number <= workers; ++number)
        m_supervisors.push_back(std::make_unique<Supervisor>(
            Supervisor::Options{.engine = options,
                                .number = number,
                                .threads = std::max(1, threads / workers),
                                .changed =
                                    [this] {
                                        const std::lock_guard lock(m_mutex);
                                        m_changed.notify_all();
                                    }},
            m_jobs, m_alive));
}

WorkerEngine::~WorkerEngine() {
    for (const auto& supervisor : m_supervisors) supervisor->stop();
    // None goes before all have ended: the last events of the one's job may ask for the others.
    for (const auto& supervisor : m_supervisors) supervisor->join();
    for (const auto& job : m_jobs.removeAll()) job->sink(CancelledEvent{});
}

JobId WorkerEngine::submit(const pipelines::ImageRequest& request, EngineSink sink,
                           const std::filesystem::path& checkpoint) {
    auto job = std::make_shared<WorkerJob>();
    job->request = request;
    job->sink = std::move(sink);
    job->checkpointFile = checkpoint;
    {
        const std::lock_guard lock(m_mutex);
        job->id = m_nextJob++;
        if (m_known.size() >= m_mostKnown) {
            std::erase_if(m_known, [](const auto& known) { return known.second.expired(); });
            m_mostKnown = std::max<size_t>(64, 2 * m_known.size());
        }
        m_known.emplace(job->id, job);
    }
    const JobId id = job->id; // the job may be over before add() returns
    m_jobs.add(std::move(job));
    return id;
}

int WorkerEngine::capacity() const {
    return std::max<int>(m_alive, 1);
}

std::shared_ptr<WorkerJob> WorkerEngine::find(JobId job) {
    const std::lock_guard lock(m_mutex);
    const auto known = m_known.find(job);
    return known == m_known.end() ? nullptr : known->second.lock();
}

void WorkerEngine::cancel(JobId id) {
    const std::shared_ptr<WorkerJob> job = find(id);
    if (!job) return;
    job->cancelled = true;
    passOnEnd(*job);
}

void WorkerEngine::interrupt(JobId id) {
    const std::shared_ptr<WorkerJob> job = find(id);
    if (!job) return;
    job->interrupted = true;
    passOnEnd(*job);
}

void WorkerEngine::passOnEnd(const WorkerJob& job) {
    if (const auto waiting = m_jobs.remove(job.id)) return waiting->sink(CancelledEvent{});
    for (const auto& supervisor : m_supervisors) supervisor->passOnWishes(job);
}

void WorkerEngine::stopAfterThis(JobId id) {
    const std::shared_ptr<WorkerJob> job = find(id);
    if (!job) return;
    job->stopAfterThis = true;
    for (const auto& supervisor : m_supervisors) supervisor->passOnWishes(*job);
}

// One that rests is preferred: a plan takes a little of a running job's time.
std::shared_ptr<WorkerConnection> WorkerEngine::anyConnection() const {
    std::shared_ptr<WorkerConnection> found;
    for (const auto& supervisor : m_supervisors) {
        std::shared_ptr<WorkerConnection> connection = supervisor->connection();
        if (!connection) continue;
        found = std::move(connection);
        if (supervisor->status().state == WorkerState::Idle) break;
    }
    return found;
}

Result<pipelines::Plan> WorkerEngine::plan(const pipelines::ImageRequest& request) {
    constexpr std::chrono::seconds kLongestStart(30);
    std::shared_ptr<WorkerConnection> connection;
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, kLongestStart, [&] {
            connection = anyConnection();
            return connection || m_alive == 0;
        });
    }
    if (!connection)
        return Error(ErrorCode::WorkerLost, "There is no worker that could plan.", "Try again.");
    try {
        return connection->plan(requestText(request));
    } catch (const Error& error) {
        return error;
    }
}

std::vector<WorkerStatus> WorkerEngine::workers() const {
    std::vector<WorkerStatus> list;
    for (const auto& supervisor : m_supervisors) list.push_back(supervisor->status());
    return list;
}

} // namespace kinora::core
