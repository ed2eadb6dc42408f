#include "kernels/base/log.h"

#include <cstdio>
#include <mutex>
#include <utility>

namespace kinora {

namespace {

void writeToStderr(LogLevel level, std::string_view message) {
    if (level < LogLevel::Warning) return;
    std::fprintf(stderr, "kinora: %.*s\n", static_cast<int>(message.size()), message.data());
}

struct Log {
    std::mutex mutex;
    LogSink sink = writeToStderr;
};

Log& processLog() {
    static Log log;
    return log;
}

} // namespace

void setLogSink(LogSink sink) {
    std::lock_guard lock(processLog().mutex);
    processLog().sink = std::move(sink);
}

void logMessage(LogLevel level, std::string_view message) {
    std::lock_guard lock(processLog().mutex);
    if (processLog().sink) processLog().sink(level, message);
}

} // namespace kinora
