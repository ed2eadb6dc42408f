#pragma once
// Works through the queue on a thread of its own, as long as no other process does: where one does
// it waits, and takes over when that one goes.
//
//     QueueRunner runner(engine, {.dataFolder = folder, .listener = tell, .standing = show});
//     runner.wake();                             // this process added something
//     runner.stop(core::DispatcherStop::Now);    // Ended is told when it has stopped
//
// Any thread may call it. The engine must outlive it.

#include "core/queue/dispatcher.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace kinora::app {

enum class QueueStanding {
    Begins,
    Works,       // this process owns the queue
    Watches,     // another one does
    StandsStill, // it cannot go on, and says why: wake() tries again
    Ended,       // after stop()
};

struct QueuePlace {
    QueueStanding standing = QueueStanding::Begins;
    std::optional<Error> error; // StandsStill
};

class QueueRunner {
  public:
    struct Options {
        std::filesystem::path dataFolder;
        core::PowerWatch::Options power = {};
        // Both on the runner's thread. Must not throw and should not block.
        core::QueueListener listener;
        std::function<void(const QueuePlace&)> standing;
        std::chrono::milliseconds askEvery{1000}; // whether the other process has gone
    };
    QueueRunner(core::Engine& engine, Options options);
    ~QueueRunner(); // stops now, and waits for that

    // A later, harder stop counts.
    void stop(core::DispatcherStop stop);
    void wake();
    void setPower(core::PowerWatch::Options power);

  private:
    void run();
    // What it waits for next; nullopt: it was told to stop.
    std::optional<QueueStanding> work();
    core::Dispatcher::Options dispatcherOptions();
    void waitAfter(QueueStanding standing);
    void tell(QueueStanding standing, std::optional<Error> error = {});

    core::Engine& m_engine;
    Options m_options;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    core::DispatcherStop m_stop = core::DispatcherStop::No;
    bool m_awake = false;
    std::unique_ptr<core::Dispatcher> m_dispatcher; // there while it works
    QueueStanding m_told = QueueStanding::Begins;
    std::thread m_thread; // last: everything it uses is there
};

} // namespace kinora::app
