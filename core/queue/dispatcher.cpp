#include "core/queue/dispatcher.h"

#include "core/engine/no_worker_left.h"
#include "core/queue/answered.h"
#include "core/queue/boot_clock.h"
#include "core/queue/queue_rows.h"
#include "kernels/base/disk_space.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

constexpr double kLongestBusySeconds = 300;
constexpr double kProgressSeconds = 1;    // between two that others may see
constexpr uint64_t kRoomBytes = 4u << 20; // that a disk has again before it counts as not full
constexpr int kTriesWithoutRoom = 20;     // a quota does not show: then it is tried all the same

// Of the disk, of another process: it is tried again by itself.
bool isPassing(const Error& error) {
    return error.code() == ErrorCode::DiskFull || error.code() == ErrorCode::Busy;
}

bool hasRoomIn(const fs::path& folder) {
    return freeDiskBytes(folder).value_or(UINT64_MAX) >= kRoomBytes;
}

} // namespace

Result<std::unique_ptr<Dispatcher>> Dispatcher::open(const fs::path& dataFolder, Engine& engine,
                                                     Options options) {
    Result<QueueStore> store = QueueStore::open(dataFolder);
    if (!store) return store.error();
    Result<OwnerLock> lock = OwnerLock::take(store->folder());
    if (!lock) return lock.error();
    return answered([&] {
        return std::unique_ptr<Dispatcher>(
            new Dispatcher(*std::move(store), *std::move(lock), engine, std::move(options)));
    });
}

Dispatcher::Dispatcher(QueueStore store, OwnerLock lock, Engine& engine, Options options)
    : m_store(std::move(store)), m_lock(std::move(lock)), m_engine(engine),
      m_options(std::move(options)), m_ledger(m_store.database()), m_publisher(m_ledger),
      m_power(m_options.power), m_inbox(std::make_shared<EventInbox>()) {}

Result<void> Dispatcher::run() {
    Result<void> result = answered([this] { work(); });
    abandon();
    return result;
}

void Dispatcher::work() {
    while (true) {
        turnWhereItCan();
        if (!m_blocked && isOver()) return;
        // What could not be written then is done again next time.
        if (m_blocked && m_inbox->stopping() == DispatcherStop::Now) return;
        m_inbox->wait(m_options.lookEvery,
                      m_blocked ? EventInbox::WakeFor::NoEvents : EventInbox::WakeFor::Everything);
    }
}

void Dispatcher::turnWhereItCan() {
    try {
        if (m_blocked && !mayTryAgain() && !isFreedByCancelling()) return;
        turn();
        unblock();
    } catch (const Error& error) {
        if (!isPassing(error)) throw;
        block(error);
    }
}

void Dispatcher::turn() {
    if (!m_settled) settle();
    lookAtChanges();
    followPower();
    takeEvents();
    startJobs();
    m_power.setWorking(!m_running.empty());
}

bool Dispatcher::isOver() {
    if (!m_running.empty()) return false;
    if (m_inbox->stopping() != DispatcherStop::No) return true;
    return m_options.whenEmpty == WhenEmpty::End && m_ledger.readyJobs() == 0;
}

// What a process left that ended without warning.
void Dispatcher::settle() {
    m_publisher.settle();
    for (const Ticket& ticket : m_ledger.openTickets()) {
        m_publisher.sweep(ticket.job.id);
        AttemptEnd end;
        end.why = "the studio ended without warning";
        end.action = JobAction::Yield;
        if (ticket.job.picturesDone == ticket.job.pictures)
            end.action = JobAction::Finish;
        else if (ticket.job.wish == Wish::Cancel)
            end.action = JobAction::Cancel;
        else if (ticket.job.wish != Wish::None)
            end.action = JobAction::Pause;
        m_ledger.end(ticket.job.id, ticket.epoch, end);
    }
    m_ledger.setTrouble(std::nullopt);
    sweepCheckpoints();
    m_settled = true;
}

// Of jobs that ended, were changed, or were taken off the list.
void Dispatcher::sweepCheckpoints() {
    const std::set<std::string> kept = m_ledger.checkpointNames();
    std::error_code error;
    for (fs::directory_iterator entry(m_store.folder().checkpoints(), error), end;
         !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (kept.contains(name.substr(0, name.find('.')))) continue;
        std::error_code ignored;
        fs::remove(entry->path(), ignored);
    }
}

fs::path Dispatcher::checkpointFor(const QueueJob& job) const {
    return m_store.folder().checkpoint(job.id, job.revision);
}

void Dispatcher::lookAtChanges() {
    if (const int capacity = m_engine.capacity(); capacity != m_seenCapacity) {
        m_ledger.setCapacity(capacity);
        m_seenCapacity = capacity;
    }
    const Result<int64_t> version = m_store.dataVersion();
    if (!version) throw version.error();
    const DispatcherStop stop = m_inbox->stopping();
    if (*version == m_seenVersion && stop == m_seenStop) return;
    m_pause = m_ledger.pause();
    for (auto& [epoch, running] : m_running) {
        if (stop == DispatcherStop::Now) interrupt(running, "the studio was closed");
        if (stop == DispatcherStop::AfterPictures) stopAfterThis(running, "the studio was closed");
        if (m_pause == QueuePause::Now) interrupt(running, "the queue was paused");
        if (m_pause == QueuePause::AfterThis) stopAfterThis(running, "the queue was paused");
        followWish(running);
    }
    m_seenVersion = *version;
    m_seenStop = stop;
    tell(QueueChangedEvent{});
}

void Dispatcher::followWish(Running& running) {
    switch (m_ledger.wish(running.ticket.job.id)) {
    case Wish::None: return;
    case Wish::Cancel:
        running.stopping = "it was cancelled";
        return m_engine.cancel(running.engineJob);
    case Wish::Pause: return interrupt(running, "it was paused");
    case Wish::PauseAfterThis: return stopAfterThis(running, "it was paused");
    }
}

void Dispatcher::stopAfterThis(Running& running, const std::string& why) {
    if (!running.afterThis.empty()) return;
    running.afterThis = why;
    m_engine.stopAfterThis(running.engineJob);
}

void Dispatcher::interrupt(Running& running, const std::string& why) {
    if (!running.stopping.empty()) return;
    running.stopping = why;
    m_engine.interrupt(running.engineJob);
}

void Dispatcher::setPower(PowerWatch::Options power) {
    const std::lock_guard lock(m_powerMutex);
    m_askedPower = std::move(power);
    m_inbox->wake();
}

void Dispatcher::followPower() {
    {
        const std::lock_guard lock(m_powerMutex);
        if (m_askedPower) m_power.setOptions(*std::exchange(m_askedPower, std::nullopt));
    }
    const std::string& reason = m_power.reasonToHold(bootSeconds());
    if (reason == m_held) return;
    m_held = reason;
    if (!m_held.empty())
        for (auto& [epoch, running] : m_running) interrupt(running, m_held);
    // The queue shows one trouble: the full disk first, this one when there is room again.
    if (m_blocked && m_blocked->error.code() == ErrorCode::DiskFull) return;
    m_ledger.setTrouble(heldTrouble());
    tell(QueueTroubleEvent{heldTrouble()});
}

std::optional<Error> Dispatcher::heldTrouble() const {
    if (m_held.empty()) return std::nullopt;
    return Error(ErrorCode::Busy, "Nothing is computed: " + m_held + ".", "It goes on by itself.");
}

void Dispatcher::takeEvents() {
    while (const EventInbox::Arrived* arrived = m_inbox->front()) {
        const auto running = m_running.find(arrived->epoch);
        if (running != m_running.end()) take(running->second, arrived->event);
        m_inbox->pop(); // after it was taken: what fails is tried again
    }
}

void Dispatcher::take(Running& running, const EngineEvent& event) {
    const int64_t first = running.ticket.job.firstPicture;
    EngineEvent told = event;
    if (auto* planned = std::get_if<PlannedEvent>(&told)) {
        take(running, *planned);
    } else if (auto* step = std::get_if<StepEvent>(&told)) {
        // Of the whole job, and each picture takes as many.
        const int64_t before = step->pictures > 0 ? first * step->all / step->pictures : 0;
        step->done += before;
        step->all += before;
        step->picture += first;
        step->pictures += first;
        take(running, *step);
    } else if (auto* resumed = std::get_if<ResumedEvent>(&told)) {
        resumed->picture += first;
    } else if (auto* preview = std::get_if<PreviewEvent>(&told)) {
        preview->picture += first;
    } else if (auto* picture = std::get_if<PictureEvent>(&told)) {
        picture->picture += first;
        return take(running, *picture);
    } else if (!std::holds_alternative<LoadingEvent>(told)) {
        return end(running, event);
    }
    tell(JobEngineEvent{running.ticket.job.id, std::move(told)});
}

void Dispatcher::take(Running& running, const PlannedEvent& planned) {
    running.measured.steps =
        planned.plan.steps > 0 ? planned.plan.steps : planned.request.steps.value_or(0);
    m_ledger.setDevice(running.ticket.job.id, running.ticket.epoch, planned.plan.deviceName);
}

void Dispatcher::take(Running& running, const StepEvent& step) {
    // A mean: steps of one pass are not those of another.
    double& mean = running.measured.secondsPerStep;
    mean += (step.secondsPerStep - mean) / static_cast<double>(++running.stepsTold);
    const double now = bootSeconds();
    if (now - running.lastProgress < kProgressSeconds) return;
    running.lastProgress = now;
    JobProgress progress{step.picture, step.step, step.steps, step.secondsLeft};
    if (step.all > 0) { // in pictures: passes may come back to one that they were at before
        const int64_t scaled = step.done * step.pictures;
        progress.picture = std::min(scaled / step.all, step.pictures - 1);
        progress.step = (scaled - progress.picture * step.all) * step.steps / step.all;
    }
    m_ledger.setProgress(running.ticket.job.id, progress);
}

void Dispatcher::take(Running& running, const PictureEvent& picture) {
    if (running.error) return; // the job fails already
    const QueueJobId id = running.ticket.job.id;
    if (m_ledger.wish(id) == Wish::Cancel) { // nobody wants it, and there may be no room for it
        if (m_blocked) m_blocked->tryAt = 0; // it may have been the one
        m_fullFolder.clear();
        return;
    }
    try {
        const auto published = m_publisher.publish(running.ticket, picture.picture, picture);
        if (!published) return;
        ++running.published;
        tell(JobPictureEvent{id, picture, published->path, published->pixelHash});
        tellJob(id);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::DiskFull) {
            Intent intent;
            m_ledger.item(id, picture.picture, intent);
            m_fullFolder = intent.path.parent_path();
        }
        if (isPassing(error)) throw;
        // The queue's own file is the queue's trouble, the picture's is the job's.
        if (const Result<QueueStatus> sound = m_store.status(); !sound) throw sound.error();
        running.error = error;
        m_engine.cancel(running.engineJob);
    }
}

void Dispatcher::end(Running& running, const EngineEvent& event) {
    const Ticket ticket = running.ticket;
    AttemptEnd end = howItEnded(running, event);
    end.seconds = std::max(0.0, bootSeconds() - running.began);
    if (const auto* finished = std::get_if<FinishedEvent>(&event))
        noteStepTimes(running, *finished);
    m_ledger.end(ticket.job.id, ticket.epoch, end);
    const bool asked = !running.stopping.empty() || !running.afterThis.empty();
    const bool finished = std::holds_alternative<FinishedEvent>(event);
    m_running.erase(ticket.epoch);
    if (end.action != JobAction::Yield) m_later.erase(ticket.job.id);
    if (finished || (end.action != JobAction::Yield && end.action != JobAction::Pause)) {
        std::error_code ignored;
        fs::remove(checkpointFor(ticket.job), ignored);
    }
    tellJob(ticket.job.id);
    if (end.error && noWorkerIsLeft(m_engine, *end.error)) throw *end.error;
    if (end.action != JobAction::Yield || asked || finished) return;
    waitBeforeAgain(ticket.job.id);
    if (end.error && end.error->code() == ErrorCode::DiskFull) block(*end.error);
}

AttemptEnd Dispatcher::howItEnded(const Running& running, const EngineEvent& event) {
    const QueueJobId id = running.ticket.job.id;
    const Wish wish = m_ledger.wish(id);
    AttemptEnd end;
    if (m_ledger.picturesDone(id) == running.ticket.job.pictures) return end; // whatever came then
    end.error = running.error;
    if (const auto* failed = std::get_if<FailedEvent>(&event); failed && !end.error)
        end.error = failed->error;
    const bool cut = !running.stopping.empty() || !running.afterThis.empty();
    const bool finished = std::holds_alternative<FinishedEvent>(event);
    if (finished && !end.error && !cut && !running.kept)
        end.error = Error(ErrorCode::Internal, "The engine finished without all of the pictures.");
    if (end.error) {
        end.action = isPassing(*end.error) || noWorkerIsLeft(m_engine, *end.error)
                         ? JobAction::Yield
                     : end.error->code() == ErrorCode::WorkerLost ? JobAction::SetAside
                                                                  : JobAction::Fail;
        end.why = end.error->message();
    } else {
        end.action = wish == Wish::None ? JobAction::Yield : JobAction::Pause;
        end.why = !running.stopping.empty()    ? running.stopping
                  : !running.afterThis.empty() ? running.afterThis
                  : finished // the checkpoint counted pictures that nobody had written yet
                      ? "pictures were lost between the engine and the disk"
                      : "the engine stopped";
    }
    if (wish == Wish::Cancel) {
        end.action = JobAction::Cancel;
        end.error.reset();
    }
    return end;
}

void Dispatcher::waitBeforeAgain(QueueJobId id) {
    Later& later = m_later[id];
    const double wait =
        std::min(kLongestBusySeconds, m_options.busySeconds * std::pow(2, later.tries));
    later = {bootSeconds() + wait, later.tries + 1};
}

void Dispatcher::noteStepTimes(const Running& running, const FinishedEvent& finished) {
    StepTimes measured = running.measured;
    if (running.published == 0 || measured.steps == 0) return;
    measured.secondsBeside = std::max(0.0, finished.seconds - finished.denoiseSeconds) /
                             static_cast<double>(running.published);
    m_ledger.noteStepTimes(stepKind(running.ticket.job.request), measured);
}

void Dispatcher::startJobs() {
    if (m_inbox->stopping() != DispatcherStop::No || m_pause != QueuePause::No || !m_held.empty())
        return;
    while (!m_blocked && static_cast<int>(m_running.size()) < m_engine.capacity()) {
        const std::optional<QueueJobId> next = m_ledger.nextJob(notYet());
        if (!next) return;
        start(*next);
    }
}

void Dispatcher::start(QueueJobId id) {
    const Result<QueueJob> job = m_store.find(id);
    if (!job) {
        if (isPassing(job.error())) throw job.error();
        m_ledger.refuse(id, job.error());
        QueueJob refused; // what of it can be told
        refused.id = id;
        refused.state = JobState::Failed;
        refused.error = job.error();
        return tell(JobChangedEvent{std::move(refused)});
    }
    bool kept = false;
    std::optional<Ticket> ticket = m_ledger.take(id, [&](const QueueJob& taken) {
        std::error_code ignored;
        return kept = fs::exists(checkpointFor(taken), ignored);
    });
    if (!ticket) return;
    tellJob(id);
    if (ticket->job.picturesDone == ticket->job.pictures) { // only its end was missing
        m_ledger.end(id, ticket->epoch, {});
        return tellJob(id);
    }
    const int64_t epoch = ticket->epoch;
    const int64_t first = ticket->job.firstPicture;
    pipelines::ImageRequest request = ticket->job.request;
    request.seed = *request.seed + first;
    request.count -= first;
    if (!request.latentsPath.empty()) request.latentsIndex += first;
    request.previewEvery = m_options.previewEvery;
    const fs::path checkpoint = checkpointFor(ticket->job);
    Running& running = m_running[epoch];
    running.ticket = *std::move(ticket);
    running.kept = kept;
    running.began = bootSeconds();
    running.engineJob = m_engine.submit(
        request, [inbox = m_inbox, epoch](const EngineEvent& event) { inbox->put(epoch, event); },
        checkpoint);
}

std::set<QueueJobId> Dispatcher::notYet() const {
    std::set<QueueJobId> ids;
    const double now = bootSeconds();
    for (const auto& [id, later] : m_later)
        if (now < later.notBefore) ids.insert(id);
    return ids;
}

void Dispatcher::block(const Error& error) {
    const bool again = m_blocked.has_value();
    m_blocked = Blocked{error, bootSeconds() + m_options.roomEvery.count() / 1000.0,
                        again ? m_blocked->tries : 0};
    if (again || error.code() != ErrorCode::DiskFull) return;
    // What is computed and cannot be written stays in memory: no more of it than now.
    for (auto& [epoch, running] : m_running) stopAfterThis(running, "the disk was full");
    tell(QueueTroubleEvent{error});
    try {
        m_ledger.setTrouble(error);
    } catch (const Error&) {
        // On the full disk, most likely.
    }
}

void Dispatcher::unblock() {
    if (!m_blocked || bootSeconds() < m_blocked->tryAt) return;
    const bool told = m_blocked->error.code() == ErrorCode::DiskFull;
    if (told) m_ledger.setTrouble(heldTrouble());
    m_blocked.reset();
    m_fullFolder.clear();
    if (told) tell(QueueTroubleEvent{heldTrouble()});
    startJobs();
}

bool Dispatcher::mayTryAgain() {
    const double now = bootSeconds();
    if (now < m_blocked->tryAt) return false;
    if (m_blocked->error.code() != ErrorCode::DiskFull || hasRoom()) return true;
    if (++m_blocked->tries % kTriesWithoutRoom == 0) return true;
    m_blocked->tryAt = now + m_options.roomEvery.count() / 1000.0;
    return false;
}

// Others cancelled the job whose picture is next and may be the one that finds no room.
bool Dispatcher::isFreedByCancelling() {
    if (!m_settled) return false;
    lookAtChanges();
    const EventInbox::Arrived* arrived = m_inbox->front();
    if (!arrived) return false;
    const auto running = m_running.find(arrived->epoch);
    return running != m_running.end() &&
           m_ledger.wish(running->second.ticket.job.id) == Wish::Cancel;
}

bool Dispatcher::hasRoom() const {
    return hasRoomIn(m_store.folder().path) && (m_fullFolder.empty() || hasRoomIn(m_fullFolder));
}

// Nothing is written: the next one settles what is left.
void Dispatcher::abandon() {
    for (auto& [epoch, running] : m_running) m_engine.interrupt(running.engineJob);
    m_running.clear();
}

void Dispatcher::tell(const QueueEvent& event) const {
    if (m_options.listener) m_options.listener(event);
}

void Dispatcher::tellJob(QueueJobId id) {
    if (!m_options.listener) return;
    if (Result<QueueJob> job = m_store.find(id)) tell(JobChangedEvent{*std::move(job)});
}

} // namespace kinora::core
