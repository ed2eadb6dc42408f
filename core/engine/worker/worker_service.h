#pragma once
// What a worker answers: one job at a time on a thread of its own, plans beside it.
//
// gRPC calls the service's functions on threads of its own; the job's thread writes the events.

#include "core/engine/job_runner.h"
#include "core/engine/worker/shared_segment.h"
#include "core/engine/worker/worker.grpc.pb.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace kinora::core {

class WorkerService final : public wire::Worker::Service {
  public:
    WorkerService(JobRunner& runner, SharedSegment segment, std::string engineVersion);
    // Cancels the job that runs, as leave() does, and waits for it.
    ~WorkerService() override;

    // The studio is gone: the step that runs is finished, the job kept on disk and ended; no other
    // begins. False: it is not done after that time.
    bool leave(std::chrono::seconds longest);

    grpc::Status Greet(grpc::ServerContext* context, const wire::Greeting* request,
                       wire::Greeting* reply) override;
    grpc::Status Run(grpc::ServerContext* context, const wire::RunRequest* request,
                     grpc::ServerWriter<wire::Event>* writer) override;
    grpc::Status Taken(grpc::ServerContext* context, const wire::PixelsTaken* request,
                       wire::Nothing* reply) override;
    grpc::Status Cancel(grpc::ServerContext* context, const wire::Cancellation* request,
                        wire::Nothing* reply) override;
    grpc::Status StopAfterThis(grpc::ServerContext* context, const wire::JobName* request,
                               wire::Nothing* reply) override;
    grpc::Status MakePlan(grpc::ServerContext* context, const wire::PlanRequest* request,
                          wire::PlanReply* reply) override;
    grpc::Status Beat(grpc::ServerContext* context, const wire::Nothing* request,
                      wire::Pulse* reply) override;

  private:
    struct Job;

    void leaveLocked();
    void work(std::stop_token stop);
    void compute(Job& job);
    // Throws Cancelled where a picture cannot be handed over, Error where it does not fit.
    void send(Job& job, const EngineEvent& event);
    bool waitForOutbox(const Job& job);

    JobRunner& m_runner;
    SharedSegment m_segment; // the job's thread alone
    const std::string m_engineVersion;
    std::atomic<uint64_t> m_progress = 0;

    std::mutex m_mutex; // guards what follows
    std::condition_variable_any m_changed;
    std::shared_ptr<Job> m_job; // shared: its caller's thread and the job's thread hold it
    uint64_t m_lastTicket = 0, m_takenTicket = 0;
    bool m_greeted = false, m_leaving = false;
    std::jthread m_thread; // last: joins before the rest goes
};

} // namespace kinora::core
