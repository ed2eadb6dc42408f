#include "core/engine/job_reporter.h"

#include <algorithm>

namespace kinora::core {

JobReporter::JobReporter(Job job, const EngineSink& sink, const CancelToken& cancel)
    : m_job(job), m_sink(sink), m_cancel(cancel), m_progress(job.passes) {}

// The first step warms caches; a mean over all the others is steadier than the last one.
double JobReporter::secondsPerStep(Kind kind, double seconds) {
    if (kind != m_kind || m_stepsOfKind == 0) {
        m_kind = kind;
        m_stepsOfKind = 0;
        m_laterSeconds = 0;
    }
    if (++m_stepsOfKind == 1) return seconds;
    m_laterSeconds += seconds;
    return m_laterSeconds / static_cast<double>(m_stepsOfKind - 1);
}

void JobReporter::stepDone(const PassPlace& place) {
    const double seconds = std::chrono::duration<double>(Clock::now() - m_lastStep).count();
    startSteps();
    m_denoiseSeconds += seconds;
    const double perStep = secondsPerStep({place.pass, place.tiles > 0}, seconds);
    const PassProgress::Amount done = m_progress.done(place), all = m_progress.all();
    // What is left takes as much longer than planned as the steps of now do.
    const double planned = m_progress.secondsOfStep(place);
    const double left = planned > 0 ? (all.seconds - done.seconds) * perStep / planned
                                    : static_cast<double>(all.steps - done.steps) * perStep;
    const int64_t pictures = m_job.passes.rounds * m_job.passes.list.front().request.count;
    m_sink(StepEvent{m_progress.pictureAt(place), pictures, m_progress.stepOfPicture(place),
                     m_progress.stepsOfPicture(), perStep,
                     done.steps == all.steps ? 0 : std::max(left, 0.0), done.steps, all.steps});
}

void JobReporter::pictureDone(int64_t picture, Image image) {
    Provenance provenance = m_job.provenance;
    ModelHashes hashes = m_job.hashes.get(m_cancel);
    provenance.modelHash = std::move(hashes.model);
    provenance.files = std::move(hashes.companions);
    provenance.request.seed = *m_job.request.seed + picture;
    provenance.latentsIndex = m_job.request.latentsIndex + picture;
    m_sink(PictureEvent{picture, std::move(image), std::move(provenance)});
    startSteps();
}

} // namespace kinora::core
