#include "app/models/queue_desk.h"

#include "core/queue/answered.h"
#include "core/queue/sqlite.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace kinora::app {
namespace {

using core::JobState;

Result<QueueView> viewOf(core::QueueStore& queue) {
    return core::answered([&] {
        const core::Snapshot moment(queue.database()); // counts and rows that belong together
        QueueView view;
        const Result<core::QueueStatus> status = queue.status();
        if (!status) throw status.error();
        view.status = *status;
        const auto append = [&](std::vector<JobState> states, int64_t most) {
            const auto room = QueueDesk::kMostRows - static_cast<int64_t>(view.jobs.size());
            auto jobs = queue.list({.states = std::move(states), .count = std::min(most, room)});
            if (!jobs) throw jobs.error();
            std::ranges::move(*jobs, std::back_inserter(view.jobs));
        };
        append({JobState::Running}, QueueDesk::kMostRows);
        append({JobState::Failed, JobState::SetAside}, QueueDesk::kMostFailed);
        append({JobState::Waiting, JobState::Paused}, QueueDesk::kMostRows);
        return view;
    });
}

} // namespace

QueueDesk::QueueDesk(Options options)
    : m_options(std::move(options)), m_thread([this] { run(); }) {}

QueueDesk::~QueueDesk() {
    {
        const std::lock_guard lock(m_mutex);
        m_ending = true;
    }
    m_changed.notify_all();
    m_thread.join();
}

int64_t QueueDesk::put(Task task) {
    const std::lock_guard lock(m_mutex);
    m_tasks.push_back(std::move(task));
    m_changed.notify_all();
    return ++m_lastAsked;
}

void QueueDesk::look() {
    const std::lock_guard lock(m_mutex);
    m_look = true;
    m_changed.notify_all();
}

void QueueDesk::run() {
    while (!isOver()) {
        std::optional<Task> task = nextTask();
        if (!m_queue) m_queue = core::QueueStore::open(m_options.dataFolder);
        if (task) {
            (*task)(m_queue);
            ++m_done;
            m_stale = true;
        }
        showWhatChanged();
    }
}

bool QueueDesk::isOver() {
    const std::lock_guard lock(m_mutex);
    return m_ending && m_tasks.empty();
}

std::optional<QueueDesk::Task> QueueDesk::nextTask() {
    std::unique_lock lock(m_mutex);
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::max(m_nextView - Clock::now(), Clock::duration::zero())) +
                      std::chrono::milliseconds(1);
    const auto longest = m_stale ? std::min(rest, m_options.lookEvery) : m_options.lookEvery;
    m_changed.wait_for(lock, longest, [this] { return m_ending || m_look || !m_tasks.empty(); });
    if (std::exchange(m_look, false)) m_stale = true;
    if (m_tasks.empty()) return std::nullopt;
    Task task = std::move(m_tasks.front());
    m_tasks.pop_front();
    return task;
}

void QueueDesk::showWhatChanged() {
    if (m_queue) {
        const Result<int64_t> version = m_queue->dataVersion();
        if (version && std::exchange(m_seenVersion, *version) != *version) m_stale = true;
    }
    if (!m_stale || Clock::now() < m_nextView) return;
    m_stale = false;
    Result<QueueView> view = m_queue ? viewOf(*m_queue) : Result<QueueView>(m_queue.error());
    if (view) view->asked = m_done;
    m_options.seen(view);
    m_nextView = Clock::now() + m_options.restBetween;
}

} // namespace kinora::app
