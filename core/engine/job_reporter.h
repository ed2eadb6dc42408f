#pragma once
// Turns what the walk of a job's passes says into events of the job, with times.

#include "core/engine/background_hash.h"
#include "core/engine/engine.h"
#include "core/engine/passes/pass.h"
#include "core/engine/passes/pass_progress.h"

#include <chrono>
#include <cstdint>
#include <utility>

namespace kinora::core {

class JobReporter {
  public:
    struct Job { // borrowed
        const pipelines::ImageRequest& request;
        const JobPasses& passes;
        const Provenance& provenance; // what its pictures have in common
        const BackgroundHash& hashes;
    };
    JobReporter(Job job, const EngineSink& sink, const CancelToken& cancel);

    void startSteps() { m_lastStep = Clock::now(); }
    void stepDone(const PassPlace& place);
    // Throws Cancelled.
    void pictureDone(int64_t picture, Image image);

    double denoiseSeconds() const { return m_denoiseSeconds; }

  private:
    using Clock = std::chrono::steady_clock;
    // Steps of one kind: of a pass, in the denoiser or in an upscaler.
    using Kind = std::pair<size_t, bool>;
    double secondsPerStep(Kind kind, double seconds);

    Job m_job;
    const EngineSink& m_sink;
    const CancelToken& m_cancel;
    PassProgress m_progress;
    Clock::time_point m_lastStep = Clock::now();
    double m_denoiseSeconds = 0;
    Kind m_kind{};
    int64_t m_stepsOfKind = 0;
    double m_laterSeconds = 0; // of them all but the first
};

} // namespace kinora::core
