#pragma once
// Whether trouble is of the engine as a whole: no job is at fault, and none would fare better.

#include "core/engine/engine.h"

#include <algorithm>
#include <vector>

namespace kinora::core {

// True: a job ended with that error because no worker can be started, whatever the job.
inline bool noWorkerIsLeft(const Engine& engine, const Error& error) {
    const std::vector<WorkerStatus> workers = engine.workers();
    return error.code() == ErrorCode::WorkerLost && !workers.empty() &&
           std::ranges::all_of(workers, [](const WorkerStatus& worker) {
               return worker.state == WorkerState::Off;
           });
}

} // namespace kinora::core
