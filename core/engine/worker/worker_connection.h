#pragma once
// The studio's end of the talk with one worker.

#include "core/engine/engine.h"
#include "core/engine/worker/shared_segment.h"
#include "core/engine/worker/worker.grpc.pb.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

namespace kinora::core {

class WorkerConnection {
  public:
    // Connects to the process `worker` and greets it. Error{Io}: it is not there; Unsupported: it
    // is of another version.
    static Result<std::unique_ptr<WorkerConnection>>
    open(const std::filesystem::path& socket, pid_t worker, const std::string& engineVersion);

    struct RunOrder {
        JobId job = 0;
        std::string request;                  // canonical JSON
        std::filesystem::path checkpointFile; // empty: none
    };
    // Calls sink for each event, on this thread, the last one included. False: the worker was lost
    // before that, or said what is no event. One thread at a time.
    bool run(const RunOrder& order, const SharedSegment& segment, const EngineSink& sink);

    // Any thread, beside run(). Nothing where the worker is lost.
    enum class Keep { No, Yes };                       // the checkpoint
    bool cancel(JobId job, Keep keep, double seconds); // false: no answer in that time
    void stopAfterThis(JobId job);
    Result<pipelines::Plan> plan(const std::string& request);
    // nullopt: no answer in that time.
    std::optional<wire::Pulse> beat(double seconds);

  private:
    void take(const wire::Pixels& pixels);

    explicit WorkerConnection(std::unique_ptr<wire::Worker::Stub> stub);

    std::unique_ptr<wire::Worker::Stub> m_stub;
};

} // namespace kinora::core
