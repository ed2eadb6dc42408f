#pragma once
// The border between the studio and what computes: a request goes in, events come out, values only,
// nothing shared. InProcessEngine computes on a thread of its own, WorkerEngine in processes.
//
//     JobId job = engine.submit(request, [](const EngineEvent& event) { ... });
//     engine.cancel(job);

#include "core/media/image.h"
#include "core/media/provenance.h"
#include "kernels/base/error.h"
#include "kernels/base/result.h"
#include "pipelines/plan/plan.h"
#include "pipelines/request/image_request.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace kinora::core {

using JobId = uint64_t;

struct PlannedEvent { // first, before anything is loaded
    pipelines::Plan plan;
    pipelines::ImageRequest request; // with the model's defaults and the seed filled in
};
struct ResumedEvent {         // before the first step: the job was interrupted and goes on
    std::string interruption; // "worker 2 was killed (signal 9)", "the studio was closed"
    int64_t picture = 0;      // the first of the batch that goes on
    int64_t step = 0;         // its steps that need not be done again
    // Where the job begins again although steps were kept: "it was begun by kinora 0.1.0 (abc)".
    std::string fromBeginningBecause;
};
struct LoadingEvent {      // weights are being read
    std::string component; // "text encoder", "denoiser", "VAE"
    double fraction = 0;   // of all weights
};
struct StepEvent {        // after each denoising step
    int64_t picture = 0;  // the first picture of this batch
    int64_t pictures = 1; // in all
    int64_t step = 0;     // done, 1 to steps
    int64_t steps = 0;
    double secondsPerStep = 0;
    double secondsLeft = 0; // of the whole job
    // Of the whole job, over all its passes and pictures: `done` only grows, unless the job begins
    // again.
    int64_t done = 0, all = 0;

    double fraction() const {
        return all > 0 ? static_cast<double>(done) / static_cast<double>(all) : 0;
    }
};
struct PreviewEvent { // a small, rough picture of the latents
    int64_t picture = 0;
    Image image;
};
struct PictureEvent { // one picture is done
    int64_t picture = 0;
    Image image;
    Provenance provenance; // outputHash is set by whoever writes the file
};
// The last event is one of these three.
struct FinishedEvent {
    double seconds = 0;        // from the start of the job
    double denoiseSeconds = 0; // in steps alone
    uint64_t peakBytes = 0;    // resident set of the process at its highest
};
struct FailedEvent {
    Error error;
};
struct CancelledEvent {};

using EngineEvent = std::variant<PlannedEvent, ResumedEvent, LoadingEvent, StepEvent, PreviewEvent,
                                 PictureEvent, FinishedEvent, FailedEvent, CancelledEvent>;

// Called on the engine's thread, in order; the CancelledEvent of a job that had not begun comes
// from within cancel(). Must not throw and should not block.
using EngineSink = std::function<void(const EngineEvent&)>;

// What one of the processes does that an engine computes in.
enum class WorkerState { Starting, Idle, Working, Off };
struct WorkerStatus {
    int number = 1; // "worker 1"
    WorkerState state = WorkerState::Starting;
    int processId = 0;   // 0: there is none at the moment
    JobId job = 0;       // that it works on; 0: none
    std::string problem; // how the last one ended, or why it is off; empty where all was well
};

class Engine {
  public:
    virtual ~Engine() = default;

    // Jobs begin in the order they come, as many at once as capacity() says. Any thread. Never
    // fails: trouble arrives as FailedEvent. checkpoint: a file of the engine's own form that holds
    // how far the job is, from time to time and when it is interrupted; where it is there already,
    // the job goes on from it, and hands out the pictures of its batch and those after it. It is
    // removed when the job finishes or is cancelled; after a failure, and where the engine goes
    // before the job is done, it stays. Empty: nothing is kept.
    virtual JobId submit(const pipelines::ImageRequest& request, EngineSink sink,
                         const std::filesystem::path& checkpoint) = 0;
    JobId submit(const pipelines::ImageRequest& request, EngineSink sink) {
        return submit(request, std::move(sink), {});
    }
    // Jobs that run at the same time, 1 or more; it may change as devices come and go. Any thread.
    virtual int capacity() const = 0;
    // Its processes; none where it computes in this one. Any thread.
    virtual std::vector<WorkerStatus> workers() const { return {}; }
    // Ends the job with CancelledEvent, within a second where it runs. Any thread.
    virtual void cancel(JobId job) = 0;
    // As cancel(), but what was kept of the job stays, for it to be submitted another time. Any
    // thread.
    virtual void interrupt(JobId job) { cancel(job); }
    // The batch that runs is finished, the job's later ones are not begun. Any thread.
    virtual void stopAfterThis(JobId job) = 0;
    // What the request would do and cost. Any thread, beside a running job; takes milliseconds once
    // the model's headers are known.
    virtual Result<pipelines::Plan> plan(const pipelines::ImageRequest& request) = 0;
};

} // namespace kinora::core
