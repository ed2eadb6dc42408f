#pragma once
// Errors of the engine: what failed, on what, and what to do about it.
//
// kernels and pipelines throw Error; core catches it once per public call and hands on a Result.
// Example: throw Error(ErrorCode::BadFile, "model.safetensors: header is longer than the file",
//                      "The download was cut short; fetch the file again.");

#include <stdexcept>
#include <string>
#include <string_view>

namespace kinora {

enum class ErrorCode {
    InvalidArgument, // a request or an option is out of range
    BadFile,         // a file is malformed
    NotFound,        // a file, model or device is not there
    Unsupported,     // valid, but not something this program can do
    DoesNotFit,      // can never fit this machine; nothing was run
    OutOfMemory,     // memory ran out while running
    NonFinite,       // latents became NaN or infinite
    Io,              // reading or writing failed
    DiskFull,        // no room on the disk
    Busy,            // somebody else holds it; try again
    WorkerLost,      // the process that computed it died, again and again
    Internal,        // a bug of ours
};

// The stable name used in --json and logs: "bad-file", "does-not-fit" ...
std::string_view errorCodeName(ErrorCode code);

class Error : public std::runtime_error {
  public:
    // message: what failed and on what; advice: what the user can do (may be empty).
    Error(ErrorCode code, std::string message, std::string advice = {});

    ErrorCode code() const { return m_code; }
    const std::string& message() const { return m_message; }
    const std::string& advice() const { return m_advice; }

  private:
    ErrorCode m_code;
    std::string m_message;
    std::string m_advice;
};

// Thrown by CancelToken::check() to unwind a computation. An outcome, not an error: it does not
// derive from std::exception, so that no handler for errors catches it by accident.
struct Cancelled {};

} // namespace kinora
