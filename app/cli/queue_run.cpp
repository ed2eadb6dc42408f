#include "app/cli/queue_run.h"

#include "app/cli/event_json.h"
#include "app/cli/exit_code.h"
#include "core/media/image_file.h"
#include "core/queue/dispatcher.h"

#include <nlohmann/json.hpp>

namespace kinora::app {
namespace {

class QueueRun {
  public:
    explicit QueueRun(const CommandContext& context)
        : m_context(context), m_console(context.console) {}

    int run() {
        core::Dispatcher::Options options;
        options.listener = [this](const core::QueueEvent& event) {
            std::visit([this](const auto& one) { tell(one); }, event);
        };
        if (m_context.arguments.has("wait")) options.whenEmpty = core::Dispatcher::WhenEmpty::Wait;
        options.power.pauseOnBattery = m_context.arguments.has("pause-on-battery");
        options.power.pauseWhenHot = m_context.arguments.has("pause-when-hot");
        const auto dispatcher = orThrow(core::Dispatcher::open(
            m_context.program.dataFolder, m_context.program.engine, std::move(options)));
        core::preloadImageCodecs();
        tellPause();
        m_context.interrupts.setHandler(
            [&dispatcher] { dispatcher->stop(core::DispatcherStop::Now); });
        const Result<void> done = dispatcher->run();
        m_context.interrupts.setHandler({});
        m_console.endProgress();
        orThrow(done);
        return close();
    }

  private:
    void tellPause() {
        core::QueueStore queue = orThrow(core::QueueStore::open(m_context.program.dataFolder));
        if (orThrow(queue.status()).paused != core::QueuePause::No)
            m_console.remark("The queue is paused: kinora queue resume lets it go on.");
    }

    void tell(const core::JobChangedEvent& changed) {
        const core::QueueJob& job = changed.job;
        nlohmann::ordered_json event{{"event", "job"}};
        event.update(jobJson(job));
        m_console.event(event);
        if (job.state == core::JobState::Failed || job.state == core::JobState::SetAside) {
            ++m_failed;
            m_console.complaint("Job " + std::to_string(job.id) + " " +
                                (job.state == core::JobState::Failed ? "failed" : "was set aside") +
                                ": " + (job.error ? job.error->message() : std::string()));
        } else if (job.state == core::JobState::Waiting && job.error) {
            m_console.remark("Job " + std::to_string(job.id) +
                             " will be tried again: " + job.error->message());
        }
    }

    void tell(const core::JobEngineEvent& told) {
        const std::string job = "Job " + std::to_string(told.job);
        if (const auto* step = std::get_if<core::StepEvent>(&told.event)) {
            nlohmann::ordered_json event = stepJson(*step);
            event["job"] = told.job;
            m_console.event(event);
            m_console.progress({.label = job + ": step",
                                .fraction = step->fraction(),
                                .step = step->step,
                                .steps = step->steps,
                                .picture = step->picture + 1,
                                .pictures = step->pictures,
                                .secondsPerStep = step->secondsPerStep,
                                .secondsLeft = step->secondsLeft});
        } else if (const auto* planned = std::get_if<core::PlannedEvent>(&told.event)) {
            nlohmann::ordered_json event = planJson(planned->plan);
            event["job"] = told.job;
            m_console.event(event);
            for (const std::string& warning : planned->plan.warnings) m_console.warning(warning);
        } else if (const auto* resumed = std::get_if<core::ResumedEvent>(&told.event)) {
            m_console.event({{"event", "resumed"},
                             {"job", told.job},
                             {"picture", resumed->picture},
                             {"step", resumed->step},
                             {"interruption", resumed->interruption},
                             {"fromBeginningBecause", resumed->fromBeginningBecause}});
            m_console.remark(job + " " + resumedText(*resumed));
        }
    }

    void tell(const core::JobPictureEvent& told) {
        if (m_console.json()) {
            nlohmann::ordered_json event =
                resultJson(told.picture, {.file = told.path,
                                          .sha256 = storedHash(told.picture.image, told.path),
                                          .seconds = 0,
                                          .peakBytes = 0});
            event.erase("seconds");   // of the job: its attempts have them
            event.erase("peakBytes"); // of a worker
            event["job"] = told.job;
            m_console.event(event);
        }
        m_console.data(told.path.string());
    }

    void tell(const core::QueueTroubleEvent& event) {
        m_console.event(
            {{"event", "trouble"}, {"message", event.trouble ? event.trouble->message() : ""}});
        m_console.remark(event.trouble ? "The queue waits: " + event.trouble->message() + " " +
                                             event.trouble->advice()
                                       : std::string("The queue goes on."));
    }

    void tell(const core::QueueChangedEvent&) {}

    int close() {
        if (m_context.interrupts.interrupted()) {
            m_console.event({{"event", "cancelled"}});
            m_console.remark("Stopped. The work goes on with the next kinora queue run.");
            return kExitInterrupted;
        }
        core::QueueStore queue = orThrow(core::QueueStore::open(m_context.program.dataFolder));
        m_console.event(queueJson(orThrow(queue.status())));
        return m_failed > 0 ? kExitFailed : kExitDone;
    }

    const CommandContext& m_context;
    Console& m_console;
    int m_failed = 0;
};

} // namespace

int runQueue(const CommandContext& context) {
    return QueueRun(context).run();
}

} // namespace kinora::app
