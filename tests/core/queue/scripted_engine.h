#pragma once
// An engine for tests of the queue: each job on a thread of its own, pictures from a formula, and a
// script that says how many run at once, how long a step takes and what goes wrong.

#include "core/engine/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace kinora::core::testing {

// A small picture that no other seed has.
inline Image pictureOf(int64_t seed, int side = 8) {
    Image image{side, side, 3, std::vector<float>(static_cast<size_t>(side * side * 3))};
    auto state = static_cast<uint32_t>(seed) * 2654435761u + 1;
    for (float& value : image.pixels) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<float>(state >> 24) / 255.0f;
    }
    return image;
}

class ScriptedEngine : public Engine {
  public:
    struct Script {
        int capacity = 1;
        int64_t steps = 2;
        std::chrono::milliseconds step{0};
        // How the job of that prompt fails, the nth time (from 1) that it is tried.
        std::function<std::optional<Error>(const std::string& prompt, int time)> fails = {};
        bool workersAreOff = false;
        int side = 8;        // of its pictures
        bool goesOn = false; // behind the picture that the checkpoint names
        bool holds = false;  // before the last step of each picture, until release()
    };
    explicit ScriptedEngine(Script script) : m_script(std::move(script)) {}
    ~ScriptedEngine() override {
        release();
        std::list<std::jthread> threads;
        {
            const std::lock_guard lock(m_mutex);
            threads.swap(m_threads);
        }
        // They join here, outside the lock.
    }

    using Engine::submit;
    JobId submit(const pipelines::ImageRequest& request, EngineSink sink,
                 const std::filesystem::path& checkpoint) override {
        const std::lock_guard lock(m_mutex);
        const JobId id = ++m_lastId;
        m_begun.push_back(request.prompt);
        m_requests.push_back(request);
        m_mostAtOnce = std::max(m_mostAtOnce, ++m_running);
        const int time = ++m_times[request.prompt];
        m_threads.emplace_back([this, id, request, time, checkpoint, sink = std::move(sink)] {
            sink(perform(id, request, time, checkpoint, sink));
        });
        return id;
    }
    int capacity() const override { return m_script.capacity; }
    std::vector<WorkerStatus> workers() const override {
        if (!m_script.workersAreOff) return {};
        WorkerStatus off;
        off.state = WorkerState::Off;
        return {off};
    }
    void cancel(JobId job) override { ask(job, Asked::Cancel); }
    void interrupt(JobId job) override { ask(job, Asked::Interrupt); }
    void stopAfterThis(JobId job) override { ask(job, Asked::StopAfterThis); }
    Result<pipelines::Plan> plan(const pipelines::ImageRequest&) override {
        return pipelines::Plan();
    }

    void release() {
        const std::lock_guard lock(m_mutex);
        m_released = true;
        m_changed.notify_all();
    }
    // Prompts in the order in which their jobs began.
    std::vector<std::string> begun() {
        const std::lock_guard lock(m_mutex);
        return m_begun;
    }
    std::vector<pipelines::ImageRequest> requests() {
        const std::lock_guard lock(m_mutex);
        return m_requests;
    }
    int mostAtOnce() {
        const std::lock_guard lock(m_mutex);
        return m_mostAtOnce;
    }

  private:
    enum class Asked { Nothing, StopAfterThis, Interrupt, Cancel };

    void ask(JobId job, Asked what) {
        const std::lock_guard lock(m_mutex);
        m_asked[job] = std::max(m_asked[job], what);
        m_changed.notify_all();
    }
    Asked asked(JobId job) {
        const std::lock_guard lock(m_mutex);
        return m_asked[job];
    }

    EngineEvent perform(JobId id, const pipelines::ImageRequest& request, int time,
                        const std::filesystem::path& checkpoint, const EngineSink& sink) {
        const EngineEvent end = events(id, request, time, checkpoint, sink);
        std::error_code ignored;
        if (asked(id) != Asked::Interrupt && !checkpoint.empty())
            std::filesystem::remove(checkpoint, ignored);
        const std::lock_guard lock(m_mutex);
        --m_running;
        return end;
    }

    EngineEvent events(JobId id, const pipelines::ImageRequest& request, int time,
                       const std::filesystem::path& checkpoint, const EngineSink& sink) {
        pipelines::ImageRequest resolved = request;
        resolved.steps = m_script.steps;
        pipelines::Plan plan;
        plan.deviceName = "A device of the script";
        sink(PlannedEvent{plan, resolved});
        if (m_script.fails)
            if (const auto error = m_script.fails(request.prompt, time)) return FailedEvent{*error};
        int64_t picture = 0;
        if (m_script.goesOn && (std::ifstream(checkpoint) >> picture)) ++picture;
        for (; picture < request.count; ++picture) {
            if (!picture_(id, request, picture, checkpoint, sink)) return CancelledEvent{};
            if (asked(id) == Asked::StopAfterThis) break;
        }
        return FinishedEvent{.seconds = 1, .denoiseSeconds = 0.5, .peakBytes = 1};
    }

    bool picture_(JobId id, const pipelines::ImageRequest& request, int64_t picture,
                  const std::filesystem::path& checkpoint, const EngineSink& sink) {
        for (int64_t step = 1; step <= m_script.steps; ++step) {
            std::this_thread::sleep_for(m_script.step);
            if (!checkpoint.empty()) std::ofstream(checkpoint) << picture << " " << step;
            if (m_script.holds && step == m_script.steps) hold(id);
            if (asked(id) >= Asked::Interrupt) return false;
            sink(StepEvent{picture, request.count, step, m_script.steps, 0.25, 1.0});
        }
        Provenance provenance;
        provenance.request = request;
        provenance.request.seed = *request.seed + picture;
        provenance.request.count = 1;
        provenance.modelName = "scripted";
        provenance.engineVersion = "kinora test";
        sink(PictureEvent{picture, pictureOf(*request.seed + picture, m_script.side), provenance});
        return true;
    }

    void hold(JobId id) {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [&] { return m_released || m_asked[id] >= Asked::Interrupt; });
    }

    Script m_script;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<std::string> m_begun;
    std::vector<pipelines::ImageRequest> m_requests;
    std::map<std::string, int> m_times;
    std::map<JobId, Asked> m_asked;
    JobId m_lastId = 0;
    int m_running = 0, m_mostAtOnce = 0;
    bool m_released = false;
    std::list<std::jthread> m_threads;
};

} // namespace kinora::core::testing
