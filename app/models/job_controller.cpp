#include "app/models/job_controller.h"

#include "app/models/picture_conversion.h"
#include "app/models/window_job.h"

#include <QMetaObject>

#include <algorithm>
#include <array>
#include <utility>

namespace kinora::app {
namespace {

constexpr int kThumbnailPixels = 224; // a tile of 112 on a screen of twice the density

QString sentence(const Error& error) {
    QString text = QString::fromStdString(error.message());
    if (!error.advice().empty()) text += " " + QString::fromStdString(error.advice());
    return text;
}

} // namespace

// Dropped by Qt where the controller is gone by then.
template <typename Call> void JobController::post(Call call) {
    QMetaObject::invokeMethod(this, std::move(call), Qt::QueuedConnection);
}

// Of the queue's tables; what cannot be done is told. Nobody need wait until others notice.
template <typename Work> int64_t JobController::ask(Work work) {
    return m_desk->ask(std::move(work), [this](const Result<void>& done) {
        m_runner->wake();
        if (!done) post([this, text = sentence(done.error())] { emit problem(text); });
    });
}

JobController::JobController(Parts parts, QObject* parent)
    : QObject(parent), m_parts(std::move(parts)) {
    m_desk = std::make_unique<QueueDesk>(QueueDesk::Options{
        .dataFolder = m_parts.dataFolder,
        .seen = [this](const Result<QueueView>& view) { post([this, view] { see(view); }); }});
    m_runner = std::make_unique<QueueRunner>(
        m_parts.engine,
        QueueRunner::Options{
            .dataFolder = m_parts.dataFolder,
            .power = m_parts.power,
            .listener = [this](const core::QueueEvent& event) { hear(event); },
            .standing =
                [this](const QueuePlace& place) { post([this, place] { setPlace(place); }); }});
}

JobController::~JobController() {
    m_runner->stop(core::DispatcherStop::Now);
    m_desk.reset();
    m_runner.reset();
}

void JobController::submit(pipelines::ImageRequest request) {
    m_greeted = true; // from now on not all of them are left over
    const auto adding = std::make_shared<Adding>();
    m_adding.push_back(adding);
    request.previewEvery = 0; // a matter of who looks, not of the job
    m_desk->ask(
        [request = std::move(request), &library = m_parts.library,
         folder = m_parts.outputFolder](core::QueueStore& queue) -> Result<core::QueueJobId> {
            const Result<core::NewJob> job = windowJob(request, library, folder, queue);
            if (!job) return job.error();
            return queue.add(*job);
        },
        [this, adding](const Result<core::QueueJobId>& id) {
            m_runner->wake();
            post([this, adding, id] { added(adding, id); });
        });
    emit listChanged();
}

void JobController::added(const std::shared_ptr<Adding>& adding,
                          const Result<core::QueueJobId>& id) {
    if (!id) {
        std::erase(m_adding, adding);
        emit listChanged();
        emit problem(sentence(id.error()));
        return;
    }
    adding->number = *id; // until the view that has it
    if (adding->cancelled) {
        std::erase(m_adding, adding);
        cancel(*id);
    }
}

const Job* JobController::active() const {
    const auto it = std::ranges::find_if(jobs(), [](const Job& job) { return job.active(); });
    return it == jobs().end() ? nullptr : &*it;
}

int JobController::runningCount() const {
    return static_cast<int>(
        std::ranges::count_if(jobs(), [](const Job& job) { return job.active(); }));
}

int JobController::waitingCount() const {
    const auto listed = std::ranges::count(jobs(), JobState::Waiting, &Job::state);
    const auto adding = std::ranges::count_if(m_adding, [this](const auto& one) {
        return !one->cancelled && find(one->number) == nullptr;
    });
    return static_cast<int>(listed + adding + m_list.beyond());
}

bool JobController::busy() const {
    return runningCount() > 0 || waitingCount() > 0;
}

bool JobController::isPaused() const {
    return m_paused != core::QueuePause::No;
}

bool JobController::works() const {
    if (m_place.standing != QueueStanding::Works) return false;
    return runningCount() > 0 || (waitingCount() > 0 && !isPaused());
}

double JobController::secondsLeft() const {
    const Job* running = active();
    const double first = running == nullptr ? 0 : running->secondsLeft;
    return waitingCount() == 0 ? first : std::max(first, m_list.status().secondsLeft);
}

bool JobController::cancelFirst() {
    const auto open = [](const Job& job) { return job.active() || job.state == JobState::Waiting; };
    const auto first = std::ranges::find_if(jobs(), open);
    if (first != jobs().end()) {
        cancel(first->number);
        return true;
    }
    for (const auto& adding : m_adding) {
        if (adding->cancelled || adding->number != 0) continue;
        adding->cancelled = true;
        emit listChanged();
        return true;
    }
    return false;
}

void JobController::cancel(JobNumber number) {
    // At once for the person; the computation ends a moment later and its events are not shown.
    const bool shown = find(number) != nullptr;
    std::erase_if(m_adding, [number](const auto& adding) { return adding->number == number; });
    m_list.hide(number);
    if (shown) emit jobEnded(number);
    emit listChanged();
    m_desk->ask(
        [number](core::QueueStore& queue) {
            return queue.apply(core::JobAction::Cancel, std::array{number});
        },
        [this, number](const Result<void>& done) {
            m_runner->wake();
            // Where it has ended meanwhile there is nothing to cancel, and nothing to tell.
            if (done || done.error().code() == ErrorCode::InvalidArgument) return;
            post([this, number, text = sentence(done.error())] {
                m_list.unhide(number);
                m_desk->look();
                emit problem(text);
            });
        });
}

void JobController::cancelAll() {
    for (const auto& adding : m_adding) adding->cancelled = adding->number == 0;
    const std::vector<Job> shown = jobs();
    for (const Job& job : shown)
        if (!job.ended()) cancel(job.number);
    ask([](core::QueueStore& queue) -> Result<void> {
        using enum core::JobState;
        const auto open = queue.jobsIn(std::array{Waiting, Running, Paused});
        if (!open) return open.error();
        return queue.apply(core::JobAction::Cancel, *open);
    });
}

void JobController::change(core::JobAction action, JobNumber number) {
    ask([action, number](core::QueueStore& queue) {
        return queue.apply(action, std::array{number});
    });
}

void JobController::remove(JobNumber number) {
    const Job* job = find(number);
    if (job == nullptr || !job->ended()) return;
    m_list.hide(number);
    emit listChanged();
    ask([number](core::QueueStore& queue) { return queue.remove(std::array{number}); });
}

void JobController::retry(JobNumber number) {
    change(core::JobAction::Retry, number);
}

void JobController::pause(JobNumber number) {
    change(core::JobAction::Pause, number);
}

void JobController::resume(JobNumber number) {
    change(core::JobAction::Resume, number);
}

JobNumber JobController::firstWaiting() const {
    const auto first = std::ranges::find(jobs(), JobState::Waiting, &Job::state);
    return first == jobs().end() ? 0 : first->number;
}

void JobController::runNext(JobNumber number) {
    const JobNumber first = firstWaiting();
    if (first == 0 || first == number) return;
    ask([number, first](core::QueueStore& queue) { return queue.moveBefore(number, first); });
}

void JobController::moveToEnd(JobNumber number) {
    ask([number](core::QueueStore& queue) { return queue.moveBefore(number, 0); });
}

void JobController::stopAfterThis() {
    askToPause(core::QueuePause::AfterThis);
}

void JobController::pauseQueue() {
    askToPause(core::QueuePause::Now);
}

void JobController::resumeQueue() {
    askToPause(core::QueuePause::No);
}

void JobController::askToPause(core::QueuePause pause) {
    m_paused = pause;
    m_pauseAsked = ask([pause](core::QueueStore& queue) { return queue.pauseQueue(pause); });
    emit listChanged();
}

bool JobController::isLast(const Job& job) const {
    return job.active() && (job.stopping || isPaused());
}

void JobController::tryAgain() {
    m_runner->wake();
}

// Conversions happen here, on the runner's thread: the window only draws.
void JobController::hear(const core::QueueEvent& event) {
    if (const auto* changed = std::get_if<core::JobChangedEvent>(&event)) {
        post([this, job = changed->job] { receive(job); });
    } else if (const auto* told = std::get_if<core::JobEngineEvent>(&event)) {
        core::EngineEvent light = told->event;
        QImage image;
        if (auto* preview = std::get_if<core::PreviewEvent>(&light)) {
            image = toQImage(preview->image);
            preview->image = {};
        }
        post([this, number = told->job, light, image] { receive(number, light, image); });
    } else if (const auto* made = std::get_if<core::JobPictureEvent>(&event)) {
        ResultPicture result;
        result.image = toQImage(made->picture.image);
        result.thumbnail = thumbnailOf(result.image, kThumbnailPixels);
        result.source = std::make_shared<const core::Image>(made->picture.image);
        result.provenance = made->picture.provenance;
        result.path = made->path;
        post([this, number = made->job, picture = made->picture.picture, result] {
            receive(number, picture, result);
        });
    } else if (const auto* trouble = std::get_if<core::QueueTroubleEvent>(&event)) {
        // On a full disk the tables cannot say so.
        post([this, text = trouble->trouble ? sentence(*trouble->trouble) : QString()] {
            m_ownTrouble = text;
            m_desk->look();
        });
    } else { // others changed the queue
        post([this] { m_desk->look(); });
    }
}

void JobController::receive(const core::QueueJob& queued) {
    m_desk->look();
    using enum JobList::Became;
    switch (m_list.take(queued)) {
    case Nothing: return;
    case Changed: emit jobChanged(queued.id); return;
    case Begun:
    case Listed: break;
    case Interrupted: emit jobInterrupted(queued.id); break;
    case Ended: {
        emit jobEnded(queued.id);
        const Job* job = find(queued.id);
        // What went well or was called off has nothing more to say in the queue.
        if (job != nullptr && job->state != JobState::Failed) m_list.hide(queued.id);
        break;
    }
    }
    emit listChanged();
}

void JobController::receive(JobNumber number, const core::EngineEvent& event,
                            const QImage& preview) {
    Job* job = m_list.find(number);
    if (job == nullptr || !job->active()) return; // cancelled a moment ago
    const int64_t before = job->picture;
    if (const auto* made = std::get_if<core::PreviewEvent>(&event)) {
        emit previewReady(number, made->picture, preview);
    } else if (follow(*job, event)) {
        const bool begins = std::holds_alternative<core::PlannedEvent>(event);
        if (begins || job->picture != before) emit pictureBegun(number, job->picture);
        emit jobChanged(number);
    }
}

void JobController::receive(JobNumber number, qint64 picture, const ResultPicture& result) {
    if (Job* job = m_list.find(number)) ++job->picturesDone;
    emit pictureReady(number, picture, result);
}

void JobController::see(const Result<QueueView>& view) {
    if (!view) {
        m_trouble = sentence(view.error());
        emit listChanged();
        return;
    }
    std::erase_if(m_adding, [](const auto& adding) { return adding->number != 0; });
    if (view->asked >= m_pauseAsked) m_paused = view->status.paused;
    if (m_place.standing == QueueStanding::Works)
        m_trouble = m_ownTrouble;
    else
        m_trouble = view->status.trouble ? sentence(*view->status.trouble) : QString();
    bool made = view->status.finished > m_list.status().finished;
    for (const core::QueueJob& job : view->jobs)
        if (const Job* shown = find(job.id)) made = made || job.picturesDone > shown->picturesDone;
    for (const Job& job : m_list.merge(*view)) emit jobEnded(job.number);
    if (made && m_place.standing == QueueStanding::Watches) emit othersMadePictures();
    greet(*view);
    emit listChanged();
    emit placeChanged();
}

// What an earlier start left.
void JobController::greet(const QueueView& view) {
    if (m_greeted || m_place.standing == QueueStanding::Begins) return;
    m_greeted = true;
    const int64_t open = view.status.waiting + view.status.running;
    if (m_place.standing == QueueStanding::Works && !isPaused() && open > 0)
        emit jobsGoOn(static_cast<int>(open));
}

void JobController::setPlace(const QueuePlace& place) {
    const bool tookOver =
        m_place.standing == QueueStanding::Watches && place.standing == QueueStanding::Works;
    if (tookOver) m_greeted = false;
    m_place = place;
    m_desk->look();
    emit placeChanged();
}

} // namespace kinora::app
