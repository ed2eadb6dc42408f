#pragma once
// A worker process from its start to its end: waits for the studio that started it, serves it, and
// leaves when it is gone.

#include "core/engine/job_runner.h"
#include "core/engine/worker_library.h"

namespace kinora::core {

// Returns when the studio is gone or stop is written to. Throws Error: what was inherited is not
// what a studio hands on, nobody came, or a job did not end.
void serveStudio(const WorkerStart& start, const kernels::BackendRegistry& backends,
                 const ModelLibrary& library);

} // namespace kinora::core
