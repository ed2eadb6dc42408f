#include "app/cli/exit_code.h"

namespace kinora::app {

ExitCode exitCodeFor(ErrorCode code) {
    switch (code) {
    case ErrorCode::InvalidArgument:
    case ErrorCode::BadFile:
    case ErrorCode::NotFound:
    case ErrorCode::Unsupported:
    case ErrorCode::DoesNotFit: return kExitUsage;
    case ErrorCode::OutOfMemory:
    case ErrorCode::DiskFull:
    case ErrorCode::Busy:
    case ErrorCode::WorkerLost: return kExitTryAgain;
    case ErrorCode::NonFinite:
    case ErrorCode::Io:
    case ErrorCode::Internal: break;
    }
    return kExitFailed;
}

} // namespace kinora::app
