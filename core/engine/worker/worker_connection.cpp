#include "core/engine/worker/worker_connection.h"

#include "core/engine/worker/messages.h"
#include "core/engine/worker/private_socket.h"
#include "kernels/base/log.h"

#include <chrono>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel_posix.h>
#include <utility>

namespace kinora::core {

namespace {

constexpr double kGreetingSeconds = 20;
constexpr double kPlanSeconds = 60; // an unknown model's headers are read first
constexpr double kCommandSeconds = 5;

void setDeadline(grpc::ClientContext& context, double seconds) {
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000)));
}

bool isLast(const EngineEvent& event) {
    return std::holds_alternative<FinishedEvent>(event) ||
           std::holds_alternative<FailedEvent>(event) ||
           std::holds_alternative<CancelledEvent>(event);
}

} // namespace

WorkerConnection::WorkerConnection(std::unique_ptr<wire::Worker::Stub> stub)
    : m_stub(std::move(stub)) {}

Result<std::unique_ptr<WorkerConnection>>
WorkerConnection::open(const std::filesystem::path& socket, pid_t worker,
                       const std::string& engineVersion) {
    Result<Descriptor> connected = connectPrivately(socket, worker);
    if (!connected) return connected.error();
    auto stub = wire::Worker::NewStub(
        grpc::CreateInsecureChannelFromFd("kinora-worker", connected->release()));
    grpc::ClientContext context;
    setDeadline(context, kGreetingSeconds);
    wire::Greeting greeting, reply;
    greeting.set_protocol(kWorkerProtocol);
    greeting.set_engine_version(engineVersion);
    const grpc::Status status = stub->Greet(&context, greeting, &reply);
    if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION)
        return Error(ErrorCode::Unsupported,
                     status.error_message() + " The studio is " + engineVersion + ".",
                     "Kinora was updated while it ran: start it again.");
    if (!status.ok())
        return Error(ErrorCode::Io,
                     "The worker does not answer the greeting: " + status.error_message() + ".");
    return std::unique_ptr<WorkerConnection>(new WorkerConnection(std::move(stub)));
}

bool WorkerConnection::run(const RunOrder& order, const SharedSegment& segment,
                           const EngineSink& sink) {
    grpc::ClientContext context;
    wire::RunRequest request;
    request.set_job(order.job);
    request.set_request(order.request);
    request.set_checkpoint_file(order.checkpointFile.string());
    const auto reader = m_stub->Run(&context, request);
    wire::Event message;
    bool complete = false;
    while (!complete && reader->Read(&message)) {
        const Result<EngineEvent> event = eventFromMessage(message, segment.outbox());
        if (!event) {
            logMessage(LogLevel::Warning, event.error().message());
            context.TryCancel();
            return false;
        }
        complete = isLast(*event);
        // The worker is free again before anybody hears of the end, and may be given the next job.
        if (complete) (void)reader->Finish();
        sink(*event);
        // After the sink: what the worker counts as handed out has been seen.
        if (const wire::Pixels* pixels = announcedPixels(message)) take(*pixels);
    }
    if (!complete) {
        const grpc::Status status = reader->Finish();
        logMessage(LogLevel::Info, "A worker's events end early: " + status.error_message());
    }
    return complete;
}

// Without a deadline of its own: the worker waits for this note, and would wait for ever where it
// is given up. A worker that does not take it answers no heartbeat either, which ends both.
void WorkerConnection::take(const wire::Pixels& pixels) {
    grpc::ClientContext context;
    wire::PixelsTaken note;
    note.set_ticket(pixels.ticket());
    wire::Nothing nothing;
    (void)m_stub->Taken(&context, note, &nothing);
}

bool WorkerConnection::cancel(JobId job, Keep keep, double seconds) {
    grpc::ClientContext context;
    setDeadline(context, seconds);
    wire::Cancellation cancellation;
    cancellation.set_job(job);
    cancellation.set_keep_checkpoint(keep == Keep::Yes);
    wire::Nothing nothing;
    const grpc::Status status = m_stub->Cancel(&context, cancellation, &nothing);
    return status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED;
}

void WorkerConnection::stopAfterThis(JobId job) {
    grpc::ClientContext context;
    setDeadline(context, kCommandSeconds);
    wire::JobName name;
    name.set_job(job);
    wire::Nothing nothing;
    (void)m_stub->StopAfterThis(&context, name, &nothing);
}

Result<pipelines::Plan> WorkerConnection::plan(const std::string& request) {
    grpc::ClientContext context;
    setDeadline(context, kPlanSeconds);
    wire::PlanRequest message;
    message.set_request(request);
    wire::PlanReply reply;
    const grpc::Status status = m_stub->MakePlan(&context, message, &reply);
    if (!status.ok())
        return Error(ErrorCode::WorkerLost,
                     "The worker that planned was lost: " + status.error_message() + ".",
                     "Try again.");
    return planFromMessage(reply);
}

std::optional<wire::Pulse> WorkerConnection::beat(double seconds) {
    grpc::ClientContext context;
    setDeadline(context, seconds);
    const wire::Nothing nothing;
    wire::Pulse pulse;
    if (!m_stub->Beat(&context, nothing, &pulse).ok()) return std::nullopt;
    return pulse;
}

} // namespace kinora::core
