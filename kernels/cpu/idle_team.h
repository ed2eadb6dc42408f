#pragma once
// Keeps OpenMP's threads from burning the cores that others need.
//
// libgomp's threads spin for about 10 ms at every barrier before they sleep. On two cores that the
// window, or any other program, shares, a thread that waits so keeps off its core the very thread
// that it waits for: a 0.03 ms op was measured to take 12 ms. libgomp spins 300 times shorter
// (some 50 us: long enough to bridge the gap between two ops) once it manages more threads than
// there are processors. The environment (OMP_WAIT_POLICY, GOMP_SPINCOUNT) says the same, but only
// before the program starts. So a parked thread with a team of its own makes up the number; it
// never runs. Where the user set the environment, that holds.

#include <condition_variable>
#include <mutex>
#include <thread>

namespace kinora::kernels::cpu {

class IdleTeam {
  public:
    IdleTeam();
    ~IdleTeam();
    IdleTeam(const IdleTeam&) = delete;
    IdleTeam& operator=(const IdleTeam&) = delete;

  private:
    void park();

    std::mutex m_mutex;
    std::condition_variable m_changed;
    bool m_ready = false;
    bool m_ended = false;
    std::thread m_thread; // last: starts when the rest is there
};

} // namespace kinora::kernels::cpu
