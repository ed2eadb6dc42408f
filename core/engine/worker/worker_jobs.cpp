#include "core/engine/worker/worker_jobs.h"

#include <algorithm>

namespace kinora::core {

void WorkerJobs::add(std::shared_ptr<WorkerJob> job) {
    const std::lock_guard lock(m_mutex);
    m_waiting.push_back(std::move(job));
    m_changed.notify_all();
}

void WorkerJobs::putBack(std::shared_ptr<WorkerJob> job) {
    const std::lock_guard lock(m_mutex);
    m_waiting.push_front(std::move(job));
    m_changed.notify_all();
}

std::shared_ptr<WorkerJob> WorkerJobs::take(const std::stop_token& stop,
                                            const std::function<Taker()>& taker) {
    std::unique_lock lock(m_mutex);
    Taker now = Taker::Waits;
    m_changed.wait(lock, stop, [&] {
        now = taker();
        return now == Taker::GivesUp || (now == Taker::Takes && !m_waiting.empty());
    });
    if (now != Taker::Takes || stop.stop_requested() || m_waiting.empty()) return nullptr;
    std::shared_ptr<WorkerJob> job = std::move(m_waiting.front());
    m_waiting.pop_front();
    return job;
}

std::shared_ptr<WorkerJob> WorkerJobs::remove(JobId id) {
    const std::lock_guard lock(m_mutex);
    const auto found = std::ranges::find(m_waiting, id, [](const auto& job) { return job->id; });
    if (found == m_waiting.end()) return nullptr;
    std::shared_ptr<WorkerJob> job = std::move(*found);
    m_waiting.erase(found);
    return job;
}

std::deque<std::shared_ptr<WorkerJob>> WorkerJobs::removeAll() {
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_waiting, {});
}

void WorkerJobs::wake() {
    const std::lock_guard lock(m_mutex);
    m_changed.notify_all();
}

} // namespace kinora::core
