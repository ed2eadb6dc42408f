#pragma once
// An engine for tests of the window's states: runs jobs in order on a thread of its own, as the
// real one does, with pictures from a formula and a script that says how long a step takes and
// where a job fails.

#include "core/engine/engine.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

namespace kinora::app::testing {

struct Script {
    std::chrono::milliseconds step{4};
    std::chrono::milliseconds loading{4};
    int holdAtStep = 0; // waits there until release() or cancel; 0: never
    // A job whose prompt this returns true for fails with the error.
    std::function<bool(const std::string&)> fails;
    Error error{ErrorCode::OutOfMemory, "Memory ran out in the decoder.",
                "Make the picture smaller."};
    bool planFits = true;
    int64_t size = 128, steps = 24; // what the model says where the request does not
    std::function<core::Image(int64_t seed, int width, int height)> picture;
};

// A disc with soft light on transparent ground: looks like something, compresses, has alpha.
inline core::Image discPicture(int64_t seed, int width, int height, double noise = 0) {
    core::Image image{width, height, 4, {}};
    image.pixels.resize(static_cast<size_t>(width) * height * 4);
    const double hue = static_cast<double>(seed % 97) / 97.0;
    uint32_t state = static_cast<uint32_t>(seed) * 2654435761u + 1;
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x) {
            const double u = (x + 0.5) / width * 2 - 1, v = (y + 0.5) / height * 2 - 1;
            const double distance = std::sqrt(u * u + v * v);
            const double light = std::max(0.0, 1 - std::hypot(u + 0.3, v + 0.4));
            float* pixel = &image.pixels[(static_cast<size_t>(y) * width + x) * 4];
            for (int c = 0; c < 3; ++c) {
                const double base = 0.5 + 0.4 * std::cos(6.283 * (hue + c / 3.0));
                state = state * 1664525u + 1013904223u;
                const double grain = (state >> 8) / 16777216.0 - 0.5;
                pixel[c] = static_cast<float>(base * (0.45 + 0.75 * light) + noise * grain);
            }
            pixel[3] = noise > 0 ? 1.0f : static_cast<float>((0.82 - distance) * width / 4);
        }
    for (float& value : image.pixels) value = std::min(1.0f, std::max(0.0f, value));
    return image;
}

class ScriptedEngine : public core::Engine {
  public:
    explicit ScriptedEngine(Script script = {})
        : m_script(std::move(script)), m_thread([this] { run(); }) {}
    ~ScriptedEngine() override {
        {
            const std::lock_guard lock(m_mutex);
            m_ending = true;
        }
        m_wake.notify_all();
        m_thread.join();
    }

    using core::Engine::submit;
    int capacity() const override { return 1; }
    core::JobId submit(const pipelines::ImageRequest& request, core::EngineSink sink,
                       const std::filesystem::path&) override {
        const std::lock_guard lock(m_mutex);
        m_jobs.push_back({++m_lastId, request, std::move(sink)});
        m_wake.notify_all();
        return m_lastId;
    }
    void cancel(core::JobId job) override {
        const std::lock_guard lock(m_mutex);
        m_cancelled.insert(job);
        m_wake.notify_all();
    }
    void stopAfterThis(core::JobId job) override {
        const std::lock_guard lock(m_mutex);
        m_stopped.insert(job);
    }
    void release() {
        const std::lock_guard lock(m_mutex);
        m_released = true;
        m_wake.notify_all();
    }
    Result<pipelines::Plan> plan(const pipelines::ImageRequest& request) override {
        pipelines::Plan plan;
        plan.device = "cpu";
        plan.deviceName = "A processor, 2 threads";
        plan.threads = 2;
        plan.precision = "bf16";
        plan.tiling = "none";
        plan.width = request.width.value_or(m_script.size);
        plan.height = request.height.value_or(m_script.size);
        plan.steps = request.steps.value_or(m_script.steps);
        plan.count = request.count;
        plan.secondsPerStep = 0.07;
        plan.seconds = 0.3 + plan.secondsPerStep * static_cast<double>(plan.steps * plan.count);
        plan.peakBytes = 410'000'000;
        plan.availableBytes = 16'000'000'000;
        plan.fits = m_script.planFits && plan.width * plan.height <= 4096 * 4096;
        if (!plan.fits) {
            plan.peakBytes = 64'000'000'000;
            plan.advice = "2048 \u00d7 2048 would fit.";
        }
        ++m_planned;
        return plan;
    }
    int planned() const { return m_planned; }

  private:
    struct Pending {
        core::JobId id;
        pipelines::ImageRequest request;
        core::EngineSink sink;
    };

    bool isCancelled(core::JobId id) {
        const std::lock_guard lock(m_mutex);
        return m_cancelled.contains(id) || m_ending;
    }
    bool isStopped(core::JobId id) {
        const std::lock_guard lock(m_mutex);
        return m_stopped.contains(id);
    }
    void hold(core::JobId id) {
        std::unique_lock lock(m_mutex);
        m_wake.wait(lock, [&] { return m_released || m_ending || m_cancelled.contains(id); });
    }

    void run() {
        for (;;) {
            Pending job;
            {
                std::unique_lock lock(m_mutex);
                m_wake.wait(lock, [this] { return m_ending || !m_jobs.empty(); });
                if (m_ending) return;
                job = std::move(m_jobs.front());
                m_jobs.pop_front();
            }
            if (isCancelled(job.id))
                job.sink(core::CancelledEvent{});
            else
                perform(job);
        }
    }

    void perform(Pending& job) {
        pipelines::ImageRequest request = job.request;
        const pipelines::Plan plan = *this->plan(request);
        request.width = plan.width;
        request.height = plan.height;
        request.steps = plan.steps;
        if (!request.seed) request.seed = 1000 + static_cast<int64_t>(job.id);
        job.sink(core::PlannedEvent{plan, request});
        for (const char* part : {"text encoder", "denoiser", "VAE"}) {
            job.sink(core::LoadingEvent{part, 0.5});
            std::this_thread::sleep_for(m_script.loading);
        }
        if (m_script.fails && m_script.fails(request.prompt)) {
            job.sink(core::FailedEvent{m_script.error});
            return;
        }
        for (int64_t picture = 0; picture < request.count; ++picture) {
            if (!denoise(job, request, picture)) {
                job.sink(core::CancelledEvent{});
                return;
            }
            if (isStopped(job.id)) break;
        }
        job.sink(core::FinishedEvent{1.8, 1.6, 400'000'000});
    }

    bool denoise(Pending& job, const pipelines::ImageRequest& request, int64_t picture) {
        const int64_t steps = *request.steps;
        const int64_t seed = *request.seed + picture;
        for (int64_t step = 1; step <= steps; ++step) {
            std::this_thread::sleep_for(m_script.step);
            if (isCancelled(job.id)) return false;
            const double left =
                static_cast<double>((request.count - picture) * steps - step) * 0.07;
            job.sink(core::StepEvent{picture, request.count, step, steps, 0.07, left});
            const double noise =
                1.2 * static_cast<double>(steps - step) / static_cast<double>(steps);
            if (request.previewEvery > 0 && step % request.previewEvery == 0)
                job.sink(core::PreviewEvent{picture, discPicture(seed, 16, 16, noise + 0.01)});
            if (step == m_script.holdAtStep) hold(job.id);
        }
        core::Provenance provenance;
        provenance.request = request;
        provenance.request.seed = seed;
        provenance.request.count = 1;
        provenance.modelName = "starter-image";
        provenance.modelHash = "sha256:" + std::string(64, '0');
        provenance.engineVersion = "kinora test";
        provenance.device = "cpu";
        provenance.precision = "f32";
        provenance.threads = 2;
        const int width = static_cast<int>(*request.width),
                  height = static_cast<int>(*request.height);
        job.sink(core::PictureEvent{picture,
                                    m_script.picture ? m_script.picture(seed, width, height)
                                                     : discPicture(seed, width, height),
                                    provenance});
        return true;
    }

    Script m_script;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::deque<Pending> m_jobs;
    std::set<core::JobId> m_cancelled, m_stopped;
    core::JobId m_lastId = 0;
    bool m_ending = false;
    bool m_released = false;
    std::atomic<int> m_planned = 0;
    std::thread m_thread; // last: everything it uses is there
};

} // namespace kinora::app::testing
