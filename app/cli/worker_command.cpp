// kinora worker: one of the processes that compute for a studio, which alone starts it.

#include "app/cli/command.h"
#include "app/cli/exit_code.h"
#include "core/engine/worker_library.h"

#include <climits>
#include <sys/eventfd.h>
#include <unistd.h>

namespace kinora::app {

int runWorkerCommand(const CommandContext& context) {
    const Arguments& arguments = context.arguments;
    if (!arguments.has("socket"))
        throw Error(ErrorCode::InvalidArgument, "kinora worker is started by Kinora itself.",
                    "kinora image computes without it.");
    core::WorkerStart start;
    start.socket = *arguments.value("socket");
    constexpr int kMostDescriptors = 1024;
    start.memory = static_cast<int>(arguments.integer("memory", -1, 3, kMostDescriptors));
    start.lifeline = static_cast<int>(arguments.integer("lifeline", -1, 3, kMostDescriptors));
    start.studio = static_cast<pid_t>(arguments.integer("studio", 0, 1, INT_MAX));
    start.workers = static_cast<int>(arguments.integer("share", 1, 1, INT_MAX));
    start.stop = ::eventfd(0, EFD_CLOEXEC);
    start.threads = context.program.threads;
    start.engineVersion = context.program.engineVersion;
    start.dataFolder = context.program.dataFolder;
    context.interrupts.setHandler([stop = start.stop] { ::eventfd_write(stop, 1); });
    const Result<void> served =
        core::runWorker(start, *context.program.backEndRegistry, context.program.library);
    context.interrupts.setHandler({});
    ::close(start.stop);
    orThrow(served);
    return kExitDone;
}

} // namespace kinora::app
