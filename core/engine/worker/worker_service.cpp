#include "core/engine/worker/worker_service.h"

#include "core/engine/worker/messages.h"
#include "core/engine/worker/shared_checkpoints.h"
#include "kernels/base/log.h"

#include <utility>

namespace kinora::core {

using grpc::Status;
using grpc::StatusCode;

struct WorkerService::Job {
    JobId id = 0;
    pipelines::ImageRequest request;
    std::filesystem::path checkpointFile;
    grpc::ServerWriter<wire::Event>* writer = nullptr;
    JobControl control;
    std::atomic<bool> begun = false;
    std::atomic<bool> done = false;
    std::atomic<bool> amongSteps = false;
};

WorkerService::WorkerService(JobRunner& runner, SharedSegment segment, std::string engineVersion)
    : m_runner(runner), m_segment(std::move(segment)), m_engineVersion(std::move(engineVersion)),
      m_thread([this](std::stop_token stop) { work(std::move(stop)); }) {}

WorkerService::~WorkerService() {
    {
        const std::lock_guard lock(m_mutex);
        leaveLocked();
        if (m_job) m_job->control.cancel.cancel();
    }
    m_thread.request_stop();
    m_thread.join();
}

bool WorkerService::leave(std::chrono::seconds longest) {
    std::unique_lock lock(m_mutex);
    leaveLocked();
    return m_changed.wait_for(lock, longest, [this] { return !m_job; });
}

void WorkerService::leaveLocked() {
    m_leaving = true;
    if (m_job) {
        m_job->control.leave.cancel();
        // Before the first step and after the last there is nothing to finish.
        if (!m_job->amongSteps) m_job->control.cancel.cancel();
    }
    m_changed.notify_all();
}

Status WorkerService::Greet(grpc::ServerContext*, const wire::Greeting* request,
                            wire::Greeting* reply) {
    reply->set_protocol(kWorkerProtocol);
    reply->set_engine_version(m_engineVersion);
    if (request->protocol() != kWorkerProtocol || request->engine_version() != m_engineVersion)
        return {StatusCode::FAILED_PRECONDITION, "The worker is " + m_engineVersion +
                                                     " with protocol " +
                                                     std::to_string(kWorkerProtocol) + "."};
    const std::lock_guard lock(m_mutex);
    m_greeted = true;
    return Status::OK;
}

Status WorkerService::Run(grpc::ServerContext*, const wire::RunRequest* request,
                          grpc::ServerWriter<wire::Event>* writer) {
    const auto job = std::make_shared<Job>();
    job->id = request->job();
    job->writer = writer;
    job->checkpointFile = request->checkpoint_file();
    Result<pipelines::ImageRequest> wanted = requestFromText(request->request());
    if (!wanted) {
        writer->Write(toMessage(FailedEvent{wanted.error()}));
        return Status::OK;
    }
    job->request = *std::move(wanted);

    std::unique_lock lock(m_mutex);
    if (!m_greeted) return {StatusCode::FAILED_PRECONDITION, "A greeting comes first."};
    if (m_leaving) return {StatusCode::UNAVAILABLE, "The worker is leaving."};
    if (m_job || job->id == 0) return {StatusCode::FAILED_PRECONDITION, "Another job runs."};
    m_job = job;
    m_changed.notify_all();
    m_changed.wait(lock, [&] { return job->done.load(); });
    m_job.reset();
    m_changed.notify_all();
    return Status::OK;
}

Status WorkerService::Taken(grpc::ServerContext*, const wire::PixelsTaken* request,
                            wire::Nothing*) {
    const std::lock_guard lock(m_mutex);
    m_takenTicket = std::max(m_takenTicket, request->ticket());
    m_changed.notify_all();
    return Status::OK;
}

Status WorkerService::Cancel(grpc::ServerContext*, const wire::Cancellation* request,
                             wire::Nothing*) {
    const std::lock_guard lock(m_mutex);
    if (m_job && m_job->id == request->job()) {
        if (request->keep_checkpoint()) m_job->control.leave.cancel();
        m_job->control.cancel.cancel();
    }
    m_changed.notify_all();
    return Status::OK;
}

Status WorkerService::StopAfterThis(grpc::ServerContext*, const wire::JobName* request,
                                    wire::Nothing*) {
    const std::lock_guard lock(m_mutex);
    if (m_job && m_job->id == request->job()) m_job->control.stopAfterThis = true;
    return Status::OK;
}

Status WorkerService::MakePlan(grpc::ServerContext*, const wire::PlanRequest* request,
                               wire::PlanReply* reply) {
    const auto answer = [&]() -> Result<pipelines::Plan> {
        Result<pipelines::ImageRequest> wanted = requestFromText(request->request());
        return wanted ? m_runner.plan(*wanted) : wanted.error();
    };
    if (const Result<pipelines::Plan> plan = answer())
        *reply->mutable_plan() = toMessage(*plan);
    else
        *reply->mutable_failure() = toMessage(plan.error());
    return Status::OK;
}

Status WorkerService::Beat(grpc::ServerContext*, const wire::Nothing*, wire::Pulse* reply) {
    const std::lock_guard lock(m_mutex);
    reply->set_job(m_job ? m_job->id : 0);
    reply->set_progress(m_progress);
    return Status::OK;
}

void WorkerService::work(std::stop_token stop) {
    while (true) {
        std::shared_ptr<Job> job;
        {
            std::unique_lock lock(m_mutex);
            m_changed.wait(lock, stop, [this] { return m_job && !m_job->begun; });
            if (stop.stop_requested()) return;
            job = m_job;
            job->begun = true;
        }
        compute(*job);
        const std::lock_guard lock(m_mutex);
        job->done = true;
        m_changed.notify_all();
    }
}

void WorkerService::compute(Job& job) {
    SharedCheckpoints store(m_segment, job.checkpointFile);
    m_runner.run(
        job.request, [&](const EngineEvent& event) { send(job, event); }, job.control, &store);
    m_segment.releaseMemory();
}

void WorkerService::send(Job& job, const EngineEvent& event) {
    ++m_progress;
    if (const auto* step = std::get_if<StepEvent>(&event))
        job.amongSteps = step->step < step->steps;
    wire::Event message = toMessage(event);
    if (wire::Pixels* pixels = pixelsOf(message)) {
        const auto* picture = std::get_if<PictureEvent>(&event);
        const Image& image = picture ? picture->image : std::get<PreviewEvent>(event).image;
        if (!waitForOutbox(job)) throw Cancelled{};
        if (const Result<void> put = m_segment.putPixels(image.pixels); !put) throw put.error();
        const std::lock_guard lock(m_mutex);
        pixels->set_ticket(++m_lastTicket);
        pixels->set_width(image.width);
        pixels->set_height(image.height);
        pixels->set_channels(image.channels);
    }
    (void)job.writer->Write(message); // false: the studio is gone, and the main thread sees that
    // A picture is handed out once the studio has it: before that no checkpoint may count it. The
    // run ends here where it never will be, and goes on from before the decoding another time.
    if (message.has_picture() && !waitForOutbox(job)) throw Cancelled{};
}

// Until the pixels that were announced last are copied. False: they never will be.
bool WorkerService::waitForOutbox(const Job& job) {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [&] {
        return m_takenTicket >= m_lastTicket || m_leaving || job.control.cancel.cancelled();
    });
    return m_takenTicket >= m_lastTicket;
}

} // namespace kinora::core
