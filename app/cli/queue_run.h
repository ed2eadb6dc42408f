#pragma once
// kinora queue run: owns the queue and works through it.

#include "app/cli/command.h"

namespace kinora::app {

// Until the queue is empty; with --wait until it is interrupted. Returns the exit code: 1 where a
// job failed or was set aside, 130 where it was interrupted. Throws Error.
int runQueue(const CommandContext& context);

} // namespace kinora::app
