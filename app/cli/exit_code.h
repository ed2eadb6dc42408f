#pragma once
// What the program tells a script about how it ended.

#include "kernels/base/error.h"

namespace kinora::app {

enum ExitCode : int {
    kExitDone = 0,
    kExitFailed = 1,
    kExitUsage = 2,     // wrong usage, bad input, or it can never fit this machine; nothing was run
    kExitTryAgain = 75, // a passing trouble: disk full, device busy, memory taken by others
    kExitInterrupted = 130,
};

ExitCode exitCodeFor(ErrorCode code);

} // namespace kinora::app
