#include "kernels/base/error.h"

#include <utility>

namespace kinora {

std::string_view errorCodeName(ErrorCode code) {
    switch (code) {
    case ErrorCode::InvalidArgument: return "invalid-argument";
    case ErrorCode::BadFile: return "bad-file";
    case ErrorCode::NotFound: return "not-found";
    case ErrorCode::Unsupported: return "unsupported";
    case ErrorCode::DoesNotFit: return "does-not-fit";
    case ErrorCode::OutOfMemory: return "out-of-memory";
    case ErrorCode::NonFinite: return "non-finite";
    case ErrorCode::Io: return "io";
    case ErrorCode::DiskFull: return "disk-full";
    case ErrorCode::Busy: return "busy";
    case ErrorCode::WorkerLost: return "worker-lost";
    case ErrorCode::Internal: return "internal";
    }
    return "internal";
}

Error::Error(ErrorCode code, std::string message, std::string advice)
    : std::runtime_error(advice.empty() ? message : message + " " + advice), m_code(code),
      m_message(std::move(message)), m_advice(std::move(advice)) {}

} // namespace kinora
