#pragma once
// Works through the queue: gives jobs to the engine, publishes their pictures, and leaves a state
// that the next one goes on from, whenever it ends and however.
//
//     auto dispatcher = Dispatcher::open(dataFolder, engine, {.listener = tell});
//     (*dispatcher)->run();          // until the queue is empty; stop() from another thread
//
// One process at a time owns a queue. Others add, pause and cancel through QueueStore: that is
// noticed within half a second. A full disk is waited for. Jobs that ended otherwise than finished
// are left for a person; those that wait for them too.

#include "core/queue/event_inbox.h"
#include "core/queue/power_watch.h"
#include "core/queue/publisher.h"
#include "core/queue/queue_event.h"
#include "core/queue/queue_store.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace kinora::core {

class Dispatcher {
  public:
    enum class WhenEmpty { End, Wait };
    struct Options {
        WhenEmpty whenEmpty = WhenEmpty::End;
        QueueListener listener;
        std::chrono::milliseconds lookEvery{500};  // for what others changed
        std::chrono::milliseconds roomEvery{3000}; // whether there is room again
        PowerWatch::Options power = {};
        int64_t previewEvery = 0; // steps between two previews that the listener gets; 0: none
        double busySeconds = 5; // before a job that found the machine busy is tried again; doubled
                                // each time, up to five minutes
    };

    // The engine must outlive it. Error{Busy}: another process owns the queue. As QueueStore::open.
    static Result<std::unique_ptr<Dispatcher>> open(const std::filesystem::path& dataFolder,
                                                    Engine& engine, Options options);

    // On the caller's thread, once. What ends it early: the queue cannot be written or is damaged,
    // or no worker can be started (Error{WorkerLost}).
    // Jobs that run then are cancelled, and go on when the queue is next worked through.
    Result<void> run();

    // Any thread. Now: jobs are interrupted, and go on next time. AfterPictures: the pictures that
    // are computed are finished first. AfterRunning: the jobs that run are, and no others begun.
    void stop(DispatcherStop stop) { m_inbox->stop(stop); }
    // Any thread: the queue was changed by this process; it need not wait to notice.
    void wake() { m_inbox->wake(); }
    // Any thread: from now on.
    void setPower(PowerWatch::Options power);

  private:
    struct Running {
        Ticket ticket;
        JobId engineJob = 0;
        bool kept = false; // its engine went on from a checkpoint
        double began = 0;  // bootSeconds
        double lastProgress = 0;
        std::string stopping; // why it was interrupted; empty: it was not
        std::string
            afterThis; // why it stops after the pictures that it computes; empty: it does not
        std::optional<Error> error; // of publishing: the job fails with it
        StepTimes measured;
        int64_t stepsTold = 0;
        int64_t published = 0;
    };
    struct Later { // a job that found the machine busy, or an engine that stopped
        double notBefore = 0;
        int tries = 0;
    };
    struct Blocked { // a passing trouble of the disk
        Error error;
        double tryAt = 0;
        int tries = 0;
    };

    Dispatcher(QueueStore store, OwnerLock lock, Engine& engine, Options options);

    void work();
    void turn();
    void turnWhereItCan();
    bool isOver();
    void settle();
    void sweepCheckpoints();

    void lookAtChanges();
    void followWish(Running& running);
    void interrupt(Running& running, const std::string& why);
    void followPower();
    void takeEvents();
    void take(Running& running, const EngineEvent& event);
    void take(Running& running, const PlannedEvent& planned);
    void take(Running& running, const StepEvent& step);
    void take(Running& running, const PictureEvent& picture);
    void end(Running& running, const EngineEvent& event);
    AttemptEnd howItEnded(const Running& running, const EngineEvent& event);
    void stopAfterThis(Running& running, const std::string& why);
    void waitBeforeAgain(QueueJobId id);
    void noteStepTimes(const Running& running, const FinishedEvent& finished);

    void startJobs();
    void start(QueueJobId id);
    std::set<QueueJobId> notYet() const;

    void block(const Error& error);
    void unblock();
    bool mayTryAgain();
    bool isFreedByCancelling();
    std::optional<Error> heldTrouble() const;
    bool hasRoom() const;
    void abandon();

    std::filesystem::path checkpointFor(const QueueJob& job) const;
    void tell(const QueueEvent& event) const;
    void tellJob(QueueJobId id);

    QueueStore m_store;
    OwnerLock m_lock;
    Engine& m_engine;
    Options m_options;
    QueueLedger m_ledger;
    Publisher m_publisher;
    PowerWatch m_power;
    std::mutex m_powerMutex;
    std::optional<PowerWatch::Options> m_askedPower; // not taken over yet
    std::string m_held;                   // why nothing is computed now; empty: it may be
    std::shared_ptr<EventInbox> m_inbox;  // shared: the engine may hold a sink longer
    std::map<int64_t, Running> m_running; // by epoch
    std::map<QueueJobId, Later> m_later;
    std::optional<Blocked> m_blocked;
    std::filesystem::path m_fullFolder; // where a picture found no room
    int64_t m_seenVersion = -1;
    int m_seenCapacity = 0;
    DispatcherStop m_seenStop = DispatcherStop::No;
    QueuePause m_pause = QueuePause::No;
    bool m_settled = false;
};

} // namespace kinora::core
