#include "kernels/cpu/idle_team.h"

#include <atomic>

namespace kinora::kernels::cpu {

IdleTeam::IdleTeam() : m_thread([this] { park(); }) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return m_ready; });
}

IdleTeam::~IdleTeam() {
    {
        const std::lock_guard lock(m_mutex);
        m_ended = true;
    }
    m_changed.notify_all();
    m_thread.join();
}

void IdleTeam::park() {
    std::atomic<int> present = 0;
#pragma omp parallel num_threads(2)
    present.fetch_add(1); // something to do, or the compiler drops the team
    std::unique_lock lock(m_mutex);
    m_ready = true;
    m_changed.notify_all();
    m_changed.wait(lock, [this] { return m_ended; });
}

} // namespace kinora::kernels::cpu
