#include "app/cli/run_job.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

namespace kinora::app {
namespace {

// From the engine's thread to the command's.
class EventQueue {
  public:
    void put(core::EngineEvent event) {
        const std::lock_guard lock(m_mutex);
        m_events.push_back(std::move(event));
        m_filled.notify_one();
    }
    core::EngineEvent take() {
        std::unique_lock lock(m_mutex);
        m_filled.wait(lock, [this] { return !m_events.empty(); });
        core::EngineEvent event = std::move(m_events.front());
        m_events.pop_front();
        return event;
    }

  private:
    std::mutex m_mutex;
    std::condition_variable m_filled;
    std::deque<core::EngineEvent> m_events;
};

} // namespace

JobOutcome runJob(core::Engine& engine, const pipelines::ImageRequest& request,
                  InterruptWatch& interrupts, const JobHandler& handler) {
    // Shared: the engine may let go of its sink after the last event was taken here.
    const auto queue = std::make_shared<EventQueue>();
    const core::JobId job =
        engine.submit(request, [queue](const core::EngineEvent& event) { queue->put(event); });
    interrupts.setHandler([&engine, job] { engine.cancel(job); });
    JobOutcome outcome;
    while (true) {
        const core::EngineEvent event = queue->take();
        if (const auto* finished = std::get_if<core::FinishedEvent>(&event)) {
            outcome.finished = *finished;
            break;
        }
        if (const auto* failed = std::get_if<core::FailedEvent>(&event)) {
            outcome.end = JobEnd::Failed;
            outcome.error = failed->error;
            break;
        }
        if (std::holds_alternative<core::CancelledEvent>(event)) {
            outcome.end = JobEnd::Cancelled;
            break;
        }
        if (outcome.error) continue; // the handler's: only the end is awaited
        if (Result<void> handled = handler(event); !handled) {
            outcome.error = handled.error();
            engine.cancel(job);
        }
    }
    interrupts.setHandler({});
    if (outcome.error) outcome.end = JobEnd::Failed;
    return outcome;
}

} // namespace kinora::app
