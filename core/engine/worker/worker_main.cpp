#include "core/engine/worker/worker_main.h"

#include "core/engine/worker/private_socket.h"
#include "core/engine/worker/worker_service.h"
#include "kernels/base/log.h"

#include <array>
#include <chrono>
#include <grpc/support/log.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace kinora::core {

namespace {

constexpr int kStudioComesWithinMilliseconds = 30'000;
// A step of a large picture may take minutes; a job that is wedged must not stay for ever.
constexpr std::chrono::seconds kLongestLeave{1800};

// Waits for the first of: a connection (listener may be -1), the end of the studio, stop. The
// studio writes nothing into the lifeline: whatever happens there is its end.
enum class Woken { Nobody, Connection, Leave };
Woken waitFor(int listener, int lifeline, int stop, int milliseconds) {
    std::array<pollfd, 3> waits{{{listener, POLLIN, 0}, {lifeline, POLLIN, 0}, {stop, POLLIN, 0}}};
    while (::poll(waits.data(), waits.size(), milliseconds) < 0)
        if (errno != EINTR) return Woken::Leave;
    if (waits[1].revents != 0 || waits[2].revents != 0) return Woken::Leave;
    return waits[0].revents != 0 ? Woken::Connection : Woken::Nobody;
}

// An empty descriptor: the studio went before it came.
Descriptor awaitStudio(const WorkerStart& start) {
    Result<PrivateSocket> socket = PrivateSocket::listen(start.socket);
    if (!socket) throw socket.error();
    if (::write(start.lifeline, "r", 1) != 1) return {}; // ready
    while (true) {
        const Woken woken = waitFor(socket->descriptor(), start.lifeline, start.stop,
                                    kStudioComesWithinMilliseconds);
        if (woken == Woken::Leave) return {};
        if (woken == Woken::Nobody)
            throw Error(ErrorCode::Io, "No studio came to the worker's socket.",
                        "Kinora starts workers itself; this command is not for people.");
        if (Descriptor studio = socket->accept(start.studio)) return studio;
    }
}

std::unique_ptr<grpc::Server> serverOf(WorkerService& service) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service);
    builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
    builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
    return builder.BuildAndStart();
}

// Of the machine's memory, a tenth of which is left to others, for one of so many workers: each
// plans and keeps models as if it had that alone. 0, without a limit, where it is the only one.
size_t memoryShare(const kernels::BackendRegistry& backends, int workers) {
    if (workers <= 1) return 0;
    kernels::DeviceDescription device{};
    backends.find("cpu").describe(0, &device);
    constexpr uint64_t kOthers = 10; // a tenth
    return (device.memoryBytes - device.memoryBytes / kOthers) / static_cast<uint64_t>(workers);
}

} // namespace

void serveStudio(const WorkerStart& start, const kernels::BackendRegistry& backends,
                 const ModelLibrary& library) {
    Result<SharedSegment> segment = SharedSegment::attach(Descriptor(start.memory));
    if (!segment) throw segment.error();
    const Descriptor lifeline(start.lifeline);
    JobRunner runner(backends, library,
                     {.threads = start.threads,
                      .version = start.engineVersion,
                      .dataFolder = start.dataFolder,
                      .memoryLimitBytes = memoryShare(backends, start.workers)});
    Descriptor studio = awaitStudio(start);
    if (!studio) return;

    WorkerService service(runner, *std::move(segment), start.engineVersion);
    const std::unique_ptr<grpc::Server> server = serverOf(service);
    if (!server) throw Error(ErrorCode::Internal, "The worker's server does not start.");
    grpc::AddInsecureChannelFromFd(server.get(), studio.release());
    while (waitFor(-1, start.lifeline, start.stop, -1) != Woken::Leave) {
    }
    const bool left = service.leave(kLongestLeave);
    if (!left) ::_exit(1); // its thread is wedged: nothing of it can be joined
    // It waits so long whatever happens: the studio holds its end. The job's last words are out.
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(100));
}

} // namespace kinora::core
