#pragma once
// Ctrl-C, SIGTERM and SIGHUP, received by a thread of their own, so that a handler may do anything.
//
//     InterruptWatch interrupts;                 // before any other thread is made
//     interrupts.setHandler([&] { engine.cancel(job); });
//
// Without a handler the program ends at once with exit code 130; so it does on a second signal.

#include <functional>
#include <mutex>
#include <thread>

namespace kinora::app {

class InterruptWatch {
  public:
    // beforeEnd: called where there is no handler, before the program ends at once.
    explicit InterruptWatch(std::function<void()> beforeEnd = {});
    ~InterruptWatch();
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

    // Called at most once, on the watching thread. An empty one takes the last away.
    void setHandler(std::function<void()> handler);
    bool interrupted() const;

  private:
    void watch();
    void received();

    mutable std::mutex m_mutex;
    std::function<void()> m_handler;
    std::function<void()> m_beforeEnd;
    bool m_interrupted = false;
    int m_signals = -1; // signalfd
    int m_stop = -1;    // eventfd
    std::thread m_thread;
};

} // namespace kinora::app
