#pragma once
// libkinora_worker.so: worker processes and the engine that supervises them. A module of its own,
// opened on first use, because gRPC would slow the start of every command that does not need it.
//
//     Result<std::unique_ptr<Engine>> engine = makeWorkerEngine({.program = "/usr/bin/kinora"});

#include "core/engine/engine.h"
#include "core/library/model_library.h"

#include <filesystem>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace kinora::kernels {
class BackendRegistry;
}

namespace kinora::core {

// How the studio starts and watches its workers.
struct WorkerEngineOptions {
    std::filesystem::path program;      // kinora: it is started as `program worker ...`
    std::vector<std::string> arguments; // that every worker gets: "--models", "DIR"
    int workers = 1;                    // 1 or more
    int threads = 0;                    // of all workers together; 0: one per core
    std::string engineVersion;          // "kinora 0.1.0 (abc1234)": workers must be the same
    // A worker that answers no heartbeat for so long is killed and replaced.
    double hangSeconds = 10;
    // The same, where a job says nothing for so long, or for 50 times its predicted step.
    double silenceSeconds = 300;
};

// What the command `kinora worker` was given by the studio that started it.
struct WorkerStart {
    std::filesystem::path socket; // to listen at
    int memory = -1;              // the shared segment, inherited
    int lifeline = -1;            // a socket to the studio: its end is the studio's
    int stop = -1;                // readable: leave (an eventfd of the command)
    pid_t studio = 0;             // who alone may connect
    int threads = 0;
    int workers = 1; // that the studio has: each takes its share of the memory
    std::string engineVersion;
    std::filesystem::path dataFolder;
};

// Any thread. Error{NotFound, Unsupported} where the module is missing.
Result<std::unique_ptr<Engine>> makeWorkerEngine(const WorkerEngineOptions& options);
// Runs a worker on this thread until its studio is gone.
Result<void> runWorker(const WorkerStart& start, const kernels::BackendRegistry& backends,
                       const ModelLibrary& library);

// What the module gives; built with this very header. No exception crosses.
struct WorkerModule {
    Result<std::unique_ptr<Engine>> (*makeEngine)(const WorkerEngineOptions& options);
    Result<void> (*runWorker)(const WorkerStart& start, const kernels::BackendRegistry& backends,
                              const ModelLibrary& library);
};
inline constexpr const char* kWorkerEntryPoint = "kinoraWorkerModule2"; // the number: its version
using WorkerEntryPoint = const WorkerModule* (*)();

} // namespace kinora::core
