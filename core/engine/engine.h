#pragma once
// The border between the studio and what computes: a request goes in, events come out, values only,
// nothing shared. InProcessEngine computes on a thread of its own; worker processes come later
// behind the same seam.
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
#include <functional>
#include <string>
#include <variant>

namespace kinora::core {

using JobId = uint64_t;

struct PlannedEvent { // first, before anything is loaded
    pipelines::Plan plan;
    pipelines::ImageRequest request; // with the model's defaults and the seed filled in
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

using EngineEvent = std::variant<PlannedEvent, LoadingEvent, StepEvent, PreviewEvent, PictureEvent,
                                 FinishedEvent, FailedEvent, CancelledEvent>;

// Called on the engine's thread, in order; the CancelledEvent of a job that had not begun comes
// from within cancel(). Must not throw and should not block.
using EngineSink = std::function<void(const EngineEvent&)>;

class Engine {
  public:
    virtual ~Engine() = default;

    // Jobs run in the order they come. Any thread. Never fails: trouble arrives as FailedEvent.
    virtual JobId submit(const pipelines::ImageRequest& request, EngineSink sink) = 0;
    // Ends the job with CancelledEvent, within a second where it runs. Any thread.
    virtual void cancel(JobId job) = 0;
    // The batch that runs is finished, the job's later ones are not begun. Any thread.
    virtual void stopAfterThis(JobId job) = 0;
    // What the request would do and cost. Any thread, beside a running job; takes milliseconds once
    // the model's headers are known.
    virtual Result<pipelines::Plan> plan(const pipelines::ImageRequest& request) = 0;
};

} // namespace kinora::core
