// The entry of libkinora_worker.so.

#include "core/engine/worker/worker_engine.h"
#include "core/engine/worker/worker_main.h"
#include "core/engine/worker_library.h"
#include "kernels/base/log.h"

#include <exception>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

namespace kinora::core {

namespace {

// What gRPC and protobuf have to say is of use to whoever mends it, and is never printed past our
// own log.
void logOfGrpc(gpr_log_func_args* message) {
    logMessage(LogLevel::Debug, std::string("gRPC: ") + message->message);
}

void logOfProtobuf(google::protobuf::LogLevel, const char*, int, const std::string& message) {
    logMessage(LogLevel::Debug, "protobuf: " + message);
}

template <typename Value, typename Call> Result<Value> resultOf(const Call& call) {
    gpr_set_log_function(logOfGrpc);
    google::protobuf::SetLogHandler(logOfProtobuf);
    try {
        return call();
    } catch (const Error& error) {
        return error;
    } catch (const std::exception& error) {
        return Error(ErrorCode::Internal, error.what());
    }
}

Result<std::unique_ptr<Engine>> makeEngine(const WorkerEngineOptions& options) {
    return resultOf<std::unique_ptr<Engine>>([&]() -> Result<std::unique_ptr<Engine>> {
        return std::unique_ptr<Engine>(std::make_unique<WorkerEngine>(options));
    });
}

Result<void> run(const WorkerStart& start, const kernels::BackendRegistry& backends,
                 const ModelLibrary& library) {
    return resultOf<void>([&]() -> Result<void> {
        serveStudio(start, backends, library);
        return {};
    });
}

} // namespace

} // namespace kinora::core

extern "C" __attribute__((visibility("default"))) const kinora::core::WorkerModule*
kinoraWorkerModule2() {
    static const kinora::core::WorkerModule module{&kinora::core::makeEngine, &kinora::core::run};
    return &module;
}
