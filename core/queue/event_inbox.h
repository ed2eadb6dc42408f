#pragma once
// From the engine's threads to the dispatcher's: events in the order they came, each with the epoch
// of its ticket; and what other threads ask of the dispatcher.

#include "core/engine/engine.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace kinora::core {

enum class DispatcherStop { No, AfterRunning, AfterPictures, Now };

class EventInbox {
  public:
    struct Arrived {
        int64_t epoch = 0;
        EngineEvent event;
    };

    void put(int64_t epoch, EngineEvent event) {
        const std::lock_guard lock(m_mutex);
        m_events.push_back({epoch, std::move(event)});
        m_changed.notify_one();
    }
    // A later, harder stop counts.
    void stop(DispatcherStop stop) {
        const std::lock_guard lock(m_mutex);
        m_stop = std::max(m_stop, stop);
        m_awake = true;
        m_changed.notify_one();
    }
    void wake() {
        const std::lock_guard lock(m_mutex);
        m_awake = true;
        m_changed.notify_one();
    }

    // nullptr: there is none. Stays valid, and first, until pop(); one thread may look.
    const Arrived* front() {
        const std::lock_guard lock(m_mutex);
        return m_events.empty() ? nullptr : &m_events.front();
    }
    void pop() {
        const std::lock_guard lock(m_mutex);
        m_events.pop_front();
    }
    DispatcherStop stopping() {
        const std::lock_guard lock(m_mutex);
        return m_stop;
    }
    // Events wake it where they are looked at, a stop or wake() always.
    enum class WakeFor { Everything, NoEvents };
    void wait(std::chrono::milliseconds longest, WakeFor what) {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, longest, [&] {
            return m_awake || (what == WakeFor::Everything && !m_events.empty());
        });
        m_awake = false;
    }

  private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<Arrived> m_events;
    DispatcherStop m_stop = DispatcherStop::No;
    bool m_awake = false;
};

} // namespace kinora::core
