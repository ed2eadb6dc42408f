#include "app/models/job_controller.h"

#include "app/models/picture_conversion.h"

#include <QMetaObject>

#include <algorithm>
#include <mutex>

namespace kinora::app {

constexpr int kThumbnailPixels = 224; // a tile of 112 on a screen of twice the density

// The engine's thread may call after the controller is gone: it asks here first.
struct JobController::Gate {
    std::mutex mutex;
    JobController* target = nullptr;
};

double Job::fraction() const {
    if (state == JobState::Finished) return 1;
    if (steps <= 0) return 0;
    const double all = static_cast<double>(std::max<int64_t>(request.count, 1));
    const double begun = static_cast<double>(step) / static_cast<double>(steps);
    return std::clamp((static_cast<double>(picture) + begun) / all, 0.0, 1.0);
}

JobController::JobController(core::Engine& engine, QObject* parent)
    : QObject(parent), m_engine(engine), m_gate(std::make_shared<Gate>()) {
    m_gate->target = this;
}

JobController::~JobController() {
    {
        const std::lock_guard lock(m_gate->mutex);
        m_gate->target = nullptr;
    }
    for (const Job& job : m_jobs)
        if (!job.ended()) m_engine.cancel(job.engineId);
}

JobNumber JobController::submit(pipelines::ImageRequest request) {
    const JobNumber number = ++m_lastNumber;
    Job job;
    job.number = number;
    job.request = request;
    m_jobs.push_back(job);
    emit jobAdded(number);
    // Conversions happen here, on the engine's thread: the window only draws.
    const auto sink = [gate = m_gate, number](const core::EngineEvent& event) {
        core::EngineEvent light = event;
        QImage image;
        QImage thumbnail;
        std::shared_ptr<const core::Image> source;
        if (auto* preview = std::get_if<core::PreviewEvent>(&light)) {
            image = toQImage(preview->image);
            preview->image = {};
        } else if (auto* picture = std::get_if<core::PictureEvent>(&light)) {
            image = toQImage(picture->image);
            thumbnail = thumbnailOf(image, kThumbnailPixels);
            source = std::make_shared<const core::Image>(std::move(picture->image));
        }
        const std::lock_guard lock(gate->mutex);
        if (gate->target == nullptr) return;
        QMetaObject::invokeMethod(
            gate->target,
            [target = gate->target, number, light, image, thumbnail, source] {
                target->receive(number, light, image, thumbnail, source);
            },
            Qt::QueuedConnection);
    };
    const core::JobId engineId = m_engine.submit(request, sink);
    if (Job* added = findJob(number)) added->engineId = engineId;
    return number;
}

Job* JobController::findJob(JobNumber number) {
    const auto it = std::ranges::find(m_jobs, number, &Job::number);
    return it == m_jobs.end() ? nullptr : &*it;
}

const Job* JobController::find(JobNumber number) const {
    const auto it = std::ranges::find(m_jobs, number, &Job::number);
    return it == m_jobs.end() ? nullptr : &*it;
}

const Job* JobController::active() const {
    const auto it = std::ranges::find_if(m_jobs, [](const Job& job) { return job.active(); });
    return it == m_jobs.end() ? nullptr : &*it;
}

const Job* JobController::first() const {
    const auto it = std::ranges::find_if(m_jobs, [](const Job& job) { return !job.ended(); });
    return it == m_jobs.end() ? nullptr : &*it;
}

int JobController::waitingCount() const {
    return static_cast<int>(
        std::ranges::count(m_jobs, JobState::Waiting, [](const Job& job) { return job.state; }));
}

bool JobController::busy() const {
    return std::ranges::any_of(m_jobs, [](const Job& job) { return !job.ended(); });
}

void JobController::cancel(JobNumber number) {
    Job* job = findJob(number);
    if (job == nullptr || job->ended()) return;
    const core::JobId engineId = job->engineId;
    // At once for the person; the computation ends a moment later and its events are not shown.
    finish(*job, JobState::Cancelled);
    m_engine.cancel(engineId);
}

void JobController::cancelAll() {
    std::vector<JobNumber> numbers;
    for (auto job = m_jobs.rbegin(); job != m_jobs.rend(); ++job) // waiting ones first
        if (!job->ended()) numbers.push_back(job->number);
    for (const JobNumber number : numbers) cancel(number);
}

void JobController::stopAfterThis(JobNumber number) {
    Job* job = findJob(number);
    if (job == nullptr || job->ended()) return;
    job->stopping = true;
    m_engine.stopAfterThis(job->engineId);
    emit jobChanged(number);
}

void JobController::remove(JobNumber number) {
    const Job* job = find(number);
    if (job == nullptr || !job->ended()) return;
    std::erase_if(m_jobs, [number](const Job& other) { return other.number == number; });
    emit jobRemoved(number);
}

JobNumber JobController::retry(JobNumber number) {
    const Job* job = find(number);
    if (job == nullptr) return 0;
    const pipelines::ImageRequest request = job->request;
    remove(number);
    return submit(request);
}

void JobController::finish(Job& job, JobState state) {
    job.state = state;
    const JobNumber number = job.number;
    emit jobEnded(number);
    // What went well or was called off has nothing more to say in the queue.
    if (state == JobState::Failed)
        emit jobChanged(number);
    else
        remove(number);
}

void JobController::receive(JobNumber number, const core::EngineEvent& event, const QImage& image,
                            const QImage& thumbnail, std::shared_ptr<const core::Image> source) {
    Job* job = findJob(number);
    if (job == nullptr || job->ended()) return; // cancelled a moment ago
    if (const auto* planned = std::get_if<core::PlannedEvent>(&event)) {
        job->request = planned->request;
        job->steps = planned->plan.steps;
        job->state = JobState::Loading;
        job->secondsLeft = planned->plan.seconds;
        emit jobChanged(number);
        emit pictureBegun(number, 0);
    } else if (const auto* loading = std::get_if<core::LoadingEvent>(&event)) {
        job->state = JobState::Loading;
        job->loading = QString::fromStdString(loading->component);
        job->loadedFraction = loading->fraction;
        emit jobChanged(number);
    } else if (const auto* step = std::get_if<core::StepEvent>(&event)) {
        const bool next = step->picture != job->picture;
        job->state = JobState::Running;
        job->picture = step->picture;
        job->step = step->step;
        job->steps = step->steps;
        job->secondsPerStep = step->secondsPerStep;
        job->secondsLeft = step->secondsLeft;
        if (next) emit pictureBegun(number, step->picture);
        emit jobChanged(number);
    } else if (const auto* preview = std::get_if<core::PreviewEvent>(&event)) {
        emit previewReady(number, preview->picture, image);
    } else if (const auto* picture = std::get_if<core::PictureEvent>(&event)) {
        ++job->picturesDone;
        emit pictureReady(number, picture->picture,
                          ResultPicture{image, thumbnail, std::move(source), picture->provenance});
    } else if (const auto* finished = std::get_if<core::FinishedEvent>(&event)) {
        job->seconds = finished->seconds;
        finish(*job, JobState::Finished);
    } else if (const auto* failed = std::get_if<core::FailedEvent>(&event)) {
        job->message = QString::fromStdString(failed->error.message());
        job->advice = QString::fromStdString(failed->error.advice());
        finish(*job, JobState::Failed);
    } else {
        finish(*job, JobState::Cancelled);
    }
}

} // namespace kinora::app
