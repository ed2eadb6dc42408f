#include "app/models/job_list.h"

#include <algorithm>
#include <utility>

namespace kinora::app {
namespace {

JobState stateOf(const core::QueueJob& queued) {
    switch (queued.state) {
    case core::JobState::Waiting: return JobState::Waiting;
    case core::JobState::Running: return queued.progress ? JobState::Running : JobState::Loading;
    case core::JobState::Paused: return JobState::Paused;
    case core::JobState::Finished: return JobState::Finished;
    case core::JobState::Failed:
    case core::JobState::SetAside: return JobState::Failed;
    case core::JobState::Cancelled: return JobState::Cancelled;
    }
    return JobState::Waiting;
}

// What is known of a run, on a row that the tables have just brought.
void keepProgress(Job& job, const Job& shown) {
    job.request = shown.request;
    job.state = shown.state;
    job.loading = shown.loading;
    job.loadedFraction = shown.loadedFraction;
    job.picture = shown.picture;
    job.step = shown.step;
    job.steps = shown.steps;
    job.ofAll = shown.ofAll;
    job.secondsPerStep = shown.secondsPerStep;
    job.secondsLeft = shown.secondsLeft;
    job.picturesDone = std::max(job.picturesDone, shown.picturesDone);
    job.stopping = job.stopping || shown.stopping;
}

} // namespace

double Job::fraction() const {
    if (state == JobState::Finished) return 1;
    if (ofAll > 0) return std::min(ofAll, 1.0);
    if (steps <= 0) return 0;
    const double all = static_cast<double>(std::max<int64_t>(request.count, 1));
    const double begun = static_cast<double>(step) / static_cast<double>(steps);
    return std::clamp((static_cast<double>(picture) + begun) / all, 0.0, 1.0);
}

Job jobFromQueue(const core::QueueJob& queued) {
    Job job;
    job.number = queued.id;
    job.revision = queued.revision;
    job.request = queued.request;
    job.state = stateOf(queued);
    job.picture = job.picturesDone = queued.picturesDone;
    if (queued.progress) {
        job.picture = queued.progress->picture;
        job.step = queued.progress->step;
        job.steps = queued.progress->steps;
    }
    job.secondsLeft = queued.secondsLeft.value_or(0);
    job.stopping = queued.wish != core::Wish::None;
    job.setAside = queued.state == core::JobState::SetAside;
    if (queued.error) {
        job.message = QString::fromStdString(queued.error->message());
        job.advice = QString::fromStdString(queued.error->advice());
    }
    job.needs = queued.needs;
    return job;
}

const Job* JobList::find(JobNumber number) const {
    const auto it = std::ranges::find(m_jobs, number, &Job::number);
    return it == m_jobs.end() ? nullptr : &*it;
}

Job* JobList::find(JobNumber number) {
    return const_cast<Job*>(std::as_const(*this).find(number));
}

bool JobList::isHidden(const core::QueueJob& job) const {
    const auto hidden = m_hidden.find(job.id);
    return hidden != m_hidden.end() && job.revision <= hidden->second;
}

std::vector<Job> JobList::merge(QueueView view) {
    std::vector<Job> rows;
    std::set<JobNumber> listed;
    int64_t waiting = 0;
    for (const core::QueueJob& queued : view.jobs) {
        listed.insert(queued.id);
        Job job = jobFromQueue(queued);
        waiting += job.state == JobState::Waiting || job.state == JobState::Paused ? 1 : 0;
        if (isHidden(queued)) continue;
        const Job* shown = find(queued.id);
        const auto failed = m_failed.find(queued.id);
        const bool older = failed != m_failed.end() && queued.revision <= failed->second;
        if (shown != nullptr && older && job.state != JobState::Failed)
            job = *shown;
        else if (shown != nullptr && m_running.contains(queued.id))
            keepProgress(job, *shown);
        rows.push_back(std::move(job));
    }
    std::vector<Job> gone;
    for (const Job& shown : m_jobs) {
        if (listed.contains(shown.number)) continue;
        if (m_running.contains(shown.number)) // begun after the tables were read
            rows.insert(rows.begin(), shown);
        else if (shown.active())
            gone.push_back(shown);
    }
    std::erase_if(m_hidden, [&](const auto& entry) { return !listed.contains(entry.first); });
    std::erase_if(m_failed, [&](const auto& entry) { return !listed.contains(entry.first); });
    m_beyond = std::max<int64_t>(0, view.status.waiting + view.status.pausedJobs - waiting);
    m_jobs = std::move(rows);
    m_status = std::move(view.status);
    return gone;
}

JobList::Became JobList::take(const core::QueueJob& queued) {
    if (isHidden(queued)) {
        if (core::hasEnded(queued.state) || queued.state == core::JobState::Waiting)
            m_running.erase(queued.id);
        return Became::Nothing;
    }
    Job job = jobFromQueue(queued);
    if (job.active()) return begin(std::move(job));
    const bool ran = m_running.contains(queued.id);
    if (job.ended()) return end(std::move(job), queued);
    m_running.erase(queued.id);
    place(std::move(job));
    return ran ? Became::Interrupted : Became::Listed;
}

JobList::Became JobList::begin(Job job) {
    if (Job* shown = find(job.number); shown != nullptr && m_running.contains(job.number)) {
        shown->stopping = job.stopping;
        shown->picturesDone = job.picturesDone;
        return Became::Changed;
    }
    m_running[job.number] = {std::chrono::steady_clock::now()};
    m_failed.erase(job.number);
    job.state = JobState::Loading;
    place(std::move(job));
    return Became::Begun;
}

JobList::Became JobList::end(Job job, const core::QueueJob& told) {
    if (const auto ran = m_running.find(job.number); ran != m_running.end()) {
        const std::chrono::duration<double> took =
            std::chrono::steady_clock::now() - ran->second.began;
        job.seconds = took.count();
        m_running.erase(ran);
    }
    if (job.state == JobState::Failed)
        m_failed[job.number] = told.revision;
    else
        m_hidden[job.number] = told.revision;
    place(std::move(job));
    return Became::Ended;
}

// In its place, or before those that wait.
void JobList::place(Job job) {
    if (Job* shown = find(job.number)) {
        *shown = std::move(job);
        return;
    }
    const auto waits = [](const Job& other) { return !other.active() && !other.ended(); };
    m_jobs.insert(std::ranges::find_if(m_jobs, waits), std::move(job));
}

void JobList::hide(JobNumber number) {
    const Job* job = find(number);
    m_hidden[number] = job == nullptr ? 0 : job->revision; // new ones have none
    std::erase_if(m_jobs, [number](const Job& other) { return other.number == number; });
}

bool follow(Job& job, const core::EngineEvent& event) {
    if (const auto* planned = std::get_if<core::PlannedEvent>(&event)) {
        // The engine was given the rest of the job alone.
        const pipelines::ImageRequest whole = std::exchange(job.request, planned->request);
        job.request.seed = whole.seed;
        job.request.count = whole.count;
        job.request.latentsIndex = whole.latentsIndex;
        job.steps = planned->plan.steps;
        job.secondsLeft = planned->plan.seconds;
        job.ofAll = 0;
        return true;
    }
    if (const auto* loading = std::get_if<core::LoadingEvent>(&event)) {
        job.state = JobState::Loading;
        job.loading = QString::fromStdString(loading->component);
        job.loadedFraction = loading->fraction;
        return true;
    }
    if (const auto* step = std::get_if<core::StepEvent>(&event)) {
        job.state = JobState::Running;
        job.picture = step->picture;
        job.step = step->step;
        job.steps = step->steps;
        job.ofAll = step->fraction();
        job.secondsPerStep = step->secondsPerStep;
        job.secondsLeft = step->secondsLeft;
        return true;
    }
    return false;
}

} // namespace kinora::app
