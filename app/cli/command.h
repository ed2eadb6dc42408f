#pragma once
// The commands. Each is one function in a file of its own; it throws Error for what ends it, and
// the caller turns that into a message and an exit code.

#include "app/cli/arguments.h"
#include "app/cli/console.h"
#include "app/cli/interrupt.h"
#include "app/program.h"

namespace kinora::app {

struct CommandContext {
    const ProgramContext& program;
    const Arguments& arguments;
    Console& console;
    InterruptWatch& interrupts;
};

// Each returns the exit code.
int runImageCommand(const CommandContext& context);
int runModelsCommand(const CommandContext& context);
int runInfoCommand(const CommandContext& context);
int runUpscaleCommand(const CommandContext& context);
int runVerifyCommand(const CommandContext& context);
int runBenchCommand(const CommandContext& context);
int runDevicesCommand(const CommandContext& context);
int runQueueCommand(const CommandContext& context);
int runWorkerCommand(const CommandContext& context);
int runProjectCommand(const CommandContext& context);
int runRenderCommand(const CommandContext& context);

// The value, or its error thrown.
template <typename T> T orThrow(Result<T> result) {
    if (!result) throw result.error();
    return *std::move(result);
}
inline void orThrow(const Result<void>& result) {
    if (!result) throw result.error();
}

} // namespace kinora::app
