#pragma once
// Runs one job of the engine and hands its events to the calling thread, one by one.

#include "app/cli/interrupt.h"
#include "core/engine/engine.h"

#include <functional>
#include <optional>

namespace kinora::app {

enum class JobEnd { Finished, Failed, Cancelled };

struct JobOutcome {
    JobEnd end = JobEnd::Finished;
    std::optional<Error> error; // where it failed
    core::FinishedEvent finished;
};

// Called on the thread that called runJob, in order, for every event but the last. An error ends
// the job.
using JobHandler = std::function<Result<void>(const core::EngineEvent&)>;

// Ctrl-C cancels; pictures that were done by then are still handed on.
JobOutcome runJob(core::Engine& engine, const pipelines::ImageRequest& request,
                  InterruptWatch& interrupts, const JobHandler& handler);

} // namespace kinora::app
