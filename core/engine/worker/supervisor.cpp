#include "core/engine/worker/supervisor.h"

#include "core/engine/checkpoint.h"
#include "core/engine/checkpoint_file.h"
#include "core/engine/worker/messages.h"
#include "core/engine/worker/runtime_folder.h"
#include "kernels/base/elapsed_time.h"
#include "kernels/base/log.h"

#include <algorithm>
#include <cmath>
#include <unistd.h>
#include <utility>

namespace kinora::core {

namespace {

constexpr double kReadySeconds = 60; // a cold disk, a machine that is busy
constexpr double kReadyLookSeconds = 0.1;
constexpr double kEndSeconds = 3; // from the loss of a connection to the end of its process
// A job ends within a second of being asked to, and so does the studio: for a worker that is
// stopped or stuck nobody waits.
constexpr double kAnswerSeconds = 0.7;
constexpr double kBeatSeconds = 1, kIdleBeatSeconds = 5;
constexpr double kStepsOfSilence = 50;
constexpr int kMostFailures = 6;
constexpr auto kFirstDelay = std::chrono::milliseconds(100); // doubled each time
constexpr double kSteadySeconds = 10; // a worker that lived so long did start

// What a worker does that leaves a job in order: its memory goes with this process.
void keepForLater(const WorkerJob& job) {
    if (job.checkpointFile.empty() || !checkpointFromBytes(job.checkpoint)) return;
    CheckpointFile(job.checkpointFile).keep(job.checkpoint, KeepWhen::Now);
}

std::string inSeconds(double seconds) {
    return std::to_string(static_cast<int64_t>(std::ceil(seconds))) + " seconds";
}

} // namespace

struct Supervisor::Life {
    explicit Life(SharedSegment shared) : segment(std::move(shared)) {}

    SharedSegment segment;
    std::unique_ptr<WorkerProcess> process;
    std::shared_ptr<WorkerConnection> connection; // shared: see Supervisor::connection()
    Clock::time_point begun = Clock::now();
    std::atomic<bool> lost = false;
    bool served = false; // it came a step further, or ended a job; keep()'s thread

    // The watching thread's.
    uint64_t watchedJob = 0, progress = 0;
    Clock::time_point progressAt{}, unwantedSince{};
    bool unwanted = false;

    std::mutex mutex;
    std::string hung; // why it was killed; guarded by mutex

    std::atomic<bool> asked = false; // to end its job; it has not answered yet
    std::mutex messengerMutex;
    std::jthread messenger; // guarded by messengerMutex; last: joins before the rest goes
};

Supervisor::Supervisor(Options options, WorkerJobs& jobs, std::atomic<int>& alive)
    : m_options(std::move(options)), m_jobs(jobs), m_alive(alive),
      m_thread([this](const std::stop_token& stop) { keep(stop); }) {}

Supervisor::~Supervisor() {
    stop();
    join();
}

void Supervisor::join() {
    if (m_thread.joinable()) m_thread.join();
}

void Supervisor::stop() {
    m_stopping = true;
    m_thread.request_stop();
    std::shared_ptr<WorkerJob> job;
    {
        const std::lock_guard lock(m_mutex);
        job = m_current;
    }
    if (job) passOnWishes(*job);
}

void Supervisor::passOnWishes(const WorkerJob& job) {
    std::shared_ptr<Life> life;
    {
        const std::lock_guard lock(m_mutex);
        if (!m_current || m_current->id != job.id || !m_life) return;
        life = m_life;
    }
    using Keep = WorkerConnection::Keep;
    if (job.cancelled)
        askToEnd(*life, job.id, Keep::No);
    else if (m_stopping || job.interrupted)
        askToEnd(*life, job.id, Keep::Yes);
    else if (job.stopAfterThis)
        life->connection->stopAfterThis(job.id);
}

// On a thread of its own: whoever ends several jobs does not wait for one worker after the other.
void Supervisor::askToEnd(Life& life, JobId job, WorkerConnection::Keep keep) {
    if (life.asked.exchange(true)) return;
    const std::lock_guard lock(life.messengerMutex);
    life.messenger = std::jthread([&life, job, keep] {
        const bool answered = life.connection->cancel(job, keep, kAnswerSeconds);
        if (!answered && !life.lost) hang(life, "hung (it did not answer when it was to end)");
        life.asked = false;
    });
}

std::shared_ptr<WorkerConnection> Supervisor::connection() const {
    const std::lock_guard lock(m_mutex);
    return m_life && !m_life->lost ? m_life->connection : nullptr;
}

WorkerStatus Supervisor::status() const {
    const std::lock_guard lock(m_mutex);
    WorkerStatus status;
    status.number = m_options.number;
    status.state = m_off       ? WorkerState::Off
                   : !m_life   ? WorkerState::Starting
                   : m_current ? WorkerState::Working
                               : WorkerState::Idle;
    if (m_current) status.job = m_current->id;
    if (m_life) status.processId = m_life->process->pid();
    status.problem = m_problem;
    return status;
}

void Supervisor::keep(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const Result<void> started = start(stop);
        if (started) {
            serve(stop);
        } else {
            const std::lock_guard lock(m_mutex);
            m_problem = started.error().what();
        }
        const bool pointless = !started && started.error().code() == ErrorCode::Unsupported;
        if (pointless || m_failures >= kMostFailures) return turnOff(stop);
        if (!waitBeforeNextStart(stop)) return;
    }
}

Result<void> Supervisor::start(const std::stop_token& stop) {
    ++m_failures; // until it proves otherwise
    Result<SharedSegment> segment = SharedSegment::create();
    if (!segment) return segment.error();
    const Result<std::filesystem::path> folder = runtimeFolder();
    if (!folder) return folder.error();
    static std::atomic<uint64_t> socketNumber = 0;
    const std::filesystem::path socket =
        *folder / ("worker-" + std::to_string(::getpid()) + "-" + std::to_string(++socketNumber));
    auto life = std::make_shared<Life>(*std::move(segment));
    std::vector<std::string> arguments{"worker",
                                       "--socket",
                                       socket.string(),
                                       "--memory",
                                       std::to_string(WorkerProcess::kSegmentDescriptor),
                                       "--lifeline",
                                       std::to_string(WorkerProcess::kLifelineDescriptor),
                                       "--studio",
                                       std::to_string(::getpid()),
                                       "--threads",
                                       std::to_string(m_options.threads),
                                       "--share",
                                       std::to_string(m_options.engine.workers)};
    arguments.insert(arguments.end(), m_options.engine.arguments.begin(),
                     m_options.engine.arguments.end());
    auto process = WorkerProcess::start(m_options.engine.program, arguments, life->segment);
    if (!process) return process.error();
    life->process = *std::move(process);
    bool ready = false;
    for (double waited = 0; !ready && waited < kReadySeconds && !stop.stop_requested();
         waited += kReadyLookSeconds) {
        ready = life->process->waitUntilReady(kReadyLookSeconds);
        if (!ready && life->process->waitForEnd(0)) {
            ready = life->process->waitUntilReady(0); // it was ready that moment, or has ended
            break;
        }
    }
    if (!ready)
        return Error(ErrorCode::WorkerLost, "Worker " + std::to_string(m_options.number) + " " +
                                                life->process->howItEnded(0.1) +
                                                " before it was ready.");
    auto connection =
        WorkerConnection::open(socket, life->process->pid(), m_options.engine.engineVersion);
    if (!connection) return connection.error();
    life->connection = *std::move(connection);
    const std::lock_guard lock(m_mutex);
    m_life = std::move(life);
    return {};
}

void Supervisor::serve(const std::stop_token& stop) {
    const std::shared_ptr<Life> life = m_life; // this thread alone changes it
    std::jthread watcher([this] { watch(); });
    m_options.changed();
    using Taker = WorkerJobs::Taker;
    while (!life->lost) {
        const std::shared_ptr<WorkerJob> job =
            m_jobs.take(stop, [&] { return life->lost ? Taker::GivesUp : Taker::Takes; });
        if (!job) break;
        runJob(job);
    }
    const bool stopped = stop.stop_requested() && !life->lost;
    if (stopped || secondsSince(life->begun) > kSteadySeconds || life->served) m_failures = 0;
    (void)end(); // where no job saw to it
}

// "Worker 2 crashed (signal 11)". The process is gone after this.
std::string Supervisor::end() {
    std::shared_ptr<Life> life;
    {
        const std::lock_guard lock(m_mutex);
        life = std::exchange(m_life, nullptr);
    }
    if (!life) return {};
    life->lost = true;
    life->process->letGo();
    const std::string ended = life->process->howItEnded(m_stopping ? kAnswerSeconds : kEndSeconds);
    std::string how = "Worker " + std::to_string(m_options.number) + " ";
    {
        const std::lock_guard lock(life->mutex);
        how += life->hung.empty() ? ended : life->hung;
    }
    if (m_stopping) return how;
    logMessage(LogLevel::Info, how + "; another one is started.");
    const std::lock_guard lock(m_mutex);
    m_problem = how + ".";
    return how;
}

void Supervisor::runJob(const std::shared_ptr<WorkerJob>& job) {
    const std::shared_ptr<Life> life = m_life;
    {
        const std::lock_guard lock(m_mutex);
        m_current = job;
        m_stepSeconds = 0;
    }
    job->at = {};
    life->segment.clearCheckpoints();
    if (!job->checkpoint.empty())
        if (const Result<void> kept = life->segment.keepCheckpoint(job->checkpoint); !kept)
            logMessage(LogLevel::Warning, kept.error().message());
    m_awaitsResumed = !job->interruption.empty();
    const bool complete = giveTo(*life, *job);
    {
        const std::lock_guard lock(m_mutex);
        m_current.reset();
    }
    life->served = life->served || complete;
    if (complete) return;
    std::vector<std::vector<std::byte>> kept;
    const std::string how = end();
    kept = life->segment.checkpoints(); // nobody writes into it any more
    if (!kept.empty()) job->checkpoint = std::move(kept.front());
    lose(job, how);
}

// True: the job has had its last event. False: the worker was lost with it.
bool Supervisor::giveTo(Life& life, WorkerJob& job) {
    if (job.unwanted() || m_stopping) {
        job.sink(CancelledEvent{});
        return true;
    }
    WorkerConnection::RunOrder order{job.id, {}, job.checkpointFile};
    try {
        order.request = requestText(job.request);
    } catch (const Error& error) {
        job.sink(FailedEvent{error});
        return true;
    }
    bool left = false; // it was told to end, and not by the studio: another one goes on
    const bool complete = life.connection->run(order, life.segment, [&](const EngineEvent& event) {
        left = std::holds_alternative<CancelledEvent>(event) && !job.unwanted() && !m_stopping;
        if (left) return;
        deliver(job, event);
        life.served = life.served || job.losses.isNew(job.at);
    });
    return complete && !left;
}

// What the studio hears of a job is the same whether or not workers were lost in between.
void Supervisor::deliver(WorkerJob& job, const EngineEvent& event) {
    if (const auto* planned = std::get_if<PlannedEvent>(&event)) {
        job.request.seed = planned->request.seed;
        {
            const std::lock_guard lock(m_mutex);
            m_stepSeconds = planned->plan.secondsPerStep;
        }
        // Wishes of the moment before the worker knew the job.
        if (job.unwanted() || m_stopping || job.stopAfterThis) passOnWishes(job);
        if (std::exchange(job.planned, true)) return;
    } else if (const auto* resumed = std::get_if<ResumedEvent>(&event)) {
        ResumedEvent told = *resumed;
        if (!job.interruption.empty()) told.interruption = job.interruption;
        m_awaitsResumed = false;
        // What was kept is at least as far as what was told.
        if (told.fromBeginningBecause.empty()) job.at = job.losses.last();
        return job.sink(told);
    } else if (!std::holds_alternative<LoadingEvent>(event) &&
               std::exchange(m_awaitsResumed, false)) { // nothing was kept before it was lost
        job.sink(ResumedEvent{job.interruption, 0, 0, {}});
    }
    if (const auto* step = std::get_if<StepEvent>(&event)) {
        job.at.steps = step->done;
    } else if (const auto* picture = std::get_if<PictureEvent>(&event)) {
        if (picture->picture < job.picturesDone) return; // made twice, and the same
        job.picturesDone = picture->picture + 1;
        job.at.pictures = job.picturesDone;
    }
    job.sink(event);
}

void Supervisor::lose(const std::shared_ptr<WorkerJob>& job, const std::string& how) {
    if (job->unwanted() || m_stopping) {
        if (!job->cancelled) keepForLater(*job);
        return job->sink(CancelledEvent{});
    }
    job->interruption = how;
    const std::string why = job->losses.add(job->at);
    if (why.empty()) return m_jobs.putBack(job);
    job->sink(FailedEvent{
        Error(ErrorCode::WorkerLost, "The job is set aside: " + why + " " + how + ".",
              "Other jobs go on. Try a smaller size or batch; memory may have run out.")});
}

void Supervisor::watch() {
    const std::shared_ptr<Life> life = [&] {
        const std::lock_guard lock(m_mutex);
        return m_life;
    }();
    if (!life) return; // ended already
    while (!life->lost) {
        if (life->process->waitForEnd(life->watchedJob != 0 ? kBeatSeconds : kIdleBeatSeconds))
            break;
        // Twice: a machine that slept finds every deadline passed.
        const double patience = m_options.engine.hangSeconds / 2;
        std::optional<wire::Pulse> pulse = life->connection->beat(patience);
        if (!pulse && !life->process->waitForEnd(0)) pulse = life->connection->beat(patience);
        if (life->process->waitForEnd(0)) break;
        if (!pulse) {
            hang(*life, "hung (no heartbeat for " + inSeconds(m_options.engine.hangSeconds) + ")");
            break;
        }
        watchJob(*life, *pulse);
    }
    life->lost = true;
    m_jobs.wake();
}

// A job that says nothing for long is stuck; so is one that does not end when it is asked to.
void Supervisor::watchJob(Life& life, const wire::Pulse& pulse) {
    std::shared_ptr<WorkerJob> job;
    double longestSilence = 0;
    {
        const std::lock_guard lock(m_mutex);
        job = m_current;
        longestSilence = std::max(m_options.engine.silenceSeconds, kStepsOfSilence * m_stepSeconds);
    }
    const bool sameJob = pulse.job() == life.watchedJob;
    if (!sameJob || pulse.progress() != life.progress) {
        life.watchedJob = pulse.job();
        life.progress = pulse.progress();
        life.progressAt = Clock::now();
    }
    if (pulse.job() != 0 && secondsSince(life.progressAt) > longestSilence)
        return hang(life, "hung (no step for " + inSeconds(longestSilence) + ")");

    const bool unwanted = job && (job->unwanted() || m_stopping);
    if (!unwanted || !std::exchange(life.unwanted, unwanted)) life.unwantedSince = Clock::now();
    life.unwanted = unwanted;
    if (unwanted && secondsSince(life.unwantedSince) > m_options.engine.hangSeconds)
        return hang(life, "hung (a cancelled job did not end)");
    // Said again with each beat: the first time may have come before the worker knew the job.
    if (job && (unwanted || job->stopAfterThis)) passOnWishes(*job);
}

void Supervisor::hang(Life& life, const std::string& what) {
    {
        const std::lock_guard lock(life.mutex);
        life.hung = what;
    }
    life.process->kill();
}

// False: it is to stop.
bool Supervisor::waitBeforeNextStart(const std::stop_token& stop) {
    std::unique_lock lock(m_mutex);
    if (m_failures > 0)
        m_changed.wait_for(lock, stop, kFirstDelay * (1 << (m_failures - 1)), [] { return false; });
    return !stop.stop_requested();
}

void Supervisor::turnOff(const std::stop_token& stop) {
    std::string problem;
    {
        const std::lock_guard lock(m_mutex);
        m_off = true;
        problem = m_problem;
    }
    logMessage(LogLevel::Warning,
               "Worker " + std::to_string(m_options.number) + " is off, because: " + problem);
    --m_alive;
    m_options.changed();
    m_jobs.wake();
    using Taker = WorkerJobs::Taker; // the last ones turn jobs away
    const auto taker = [&] { return m_alive == 0 ? Taker::Takes : Taker::Waits; };
    while (const std::shared_ptr<WorkerJob> job = m_jobs.take(stop, taker))
        job->sink(FailedEvent{Error(ErrorCode::WorkerLost, "No worker can be started. " + problem,
                                    "Start Kinora again; kinora image computes without workers.")});
}

} // namespace kinora::core
