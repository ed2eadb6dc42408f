#pragma once
// What one job of an engine says, collected by a test.
//
//     Job job;
//     engine.submit(request, job.sink());
//     QVERIFY(job.waitForEnd());

#include "core/engine/engine.h"
#include "core/media/image_file.h"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kinora::core {

// Collects a job's events and waits for the last one.
class Job {
  public:
    // also: called with each event before it is collected, on the engine's thread; so never after
    // waitForEnd().
    EngineSink sink(std::function<void(const EngineEvent&)> also = {}) {
        return [this, also = std::move(also)](const EngineEvent& event) {
            if (also) also(event);
            const std::lock_guard lock(m_mutex);
            m_events.push_back(event);
            m_changed.notify_all();
        };
    }
    template <typename T> std::vector<T> all() const {
        const std::lock_guard lock(m_mutex);
        return allLocked<T>();
    }
    template <typename T> int count() const { return static_cast<int>(all<T>().size()); }
    template <typename T> bool waitFor(size_t times = 1, int seconds = 120) {
        std::unique_lock lock(m_mutex);
        (void)m_changed.wait_for(lock, std::chrono::seconds(seconds),
                                 [&] { return allLocked<T>().size() >= times || endedLocked(); });
        return allLocked<T>().size() >= times;
    }
    bool waitForEnd(int seconds = 120) {
        std::unique_lock lock(m_mutex);
        return m_changed.wait_for(lock, std::chrono::seconds(seconds),
                                  [&] { return endedLocked(); });
    }
    // Names of the events in their order, runs of one kind told once: "planned loading step".
    std::string kinds() const {
        static const char* const names[] = {"planned", "resumed",  "loading", "step",     "preview",
                                            "picture", "finished", "failed",  "cancelled"};
        const std::lock_guard lock(m_mutex);
        std::string text;
        size_t last = std::variant_npos;
        for (const EngineEvent& event : m_events)
            if (event.index() != std::exchange(last, event.index()))
                text += (text.empty() ? "" : " ") + std::string(names[event.index()]);
        return text;
    }
    std::string failure() const {
        const auto failed = all<FailedEvent>();
        return failed.empty() ? std::string() : failed.front().error.what();
    }
    std::vector<std::string> pictureHashes() const {
        std::vector<std::string> hashes;
        for (const PictureEvent& picture : all<PictureEvent>())
            hashes.push_back(pixelHash(picture.image));
        return hashes;
    }

  private:
    static constexpr size_t kFirstEnd = EngineEvent(FinishedEvent{}).index();

    bool endedLocked() const { return !m_events.empty() && m_events.back().index() >= kFirstEnd; }
    template <typename T> std::vector<T> allLocked() const {
        std::vector<T> found;
        for (const EngineEvent& event : m_events)
            if (const T* one = std::get_if<T>(&event)) found.push_back(*one);
        return found;
    }
    mutable std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<EngineEvent> m_events;
};

} // namespace kinora::core
