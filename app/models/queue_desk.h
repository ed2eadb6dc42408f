#pragma once
// The queue's tables, for a window: everything that reads or writes them happens on the desk's own
// thread, in the order in which it was asked, so that a slow disk never stops the window. It looks
// for what others changed and hands out what there is to see.
//
//     QueueDesk desk({.dataFolder = folder, .seen = show});
//     desk.ask([job](core::QueueStore& queue) { return queue.add(job); }, done);
//
// Any thread may ask. Answers come on the desk's thread.

#include "core/queue/queue_store.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>

namespace kinora::app {

// What is worth a row: jobs that run, that failed, and the first of those that wait.
struct QueueView {
    core::QueueStatus status;
    std::vector<core::QueueJob> jobs;
    int64_t asked = 0; // all that was asked up to this number is in it
};

class QueueDesk {
  public:
    static constexpr int64_t kMostRows = 40;
    static constexpr int64_t kMostFailed = 8; // of those

    struct Options {
        std::filesystem::path dataFolder;
        // After each change. Must not throw and should not block.
        std::function<void(const Result<QueueView>&)> seen;
        std::chrono::milliseconds lookEvery{500};   // for what other processes changed
        std::chrono::milliseconds restBetween{100}; // between two that are handed out
    };
    explicit QueueDesk(Options options);
    ~QueueDesk(); // what was asked is done first

    // work: from a QueueStore& to a Result. done: gets that, or why there is no queue. Returns the
    // number that the view has which shows it.
    template <typename Work, typename Done> int64_t ask(Work work, Done done) {
        using Answer = std::invoke_result_t<Work, core::QueueStore&>;
        return put([work = std::move(work),
                    done = std::move(done)](Result<core::QueueStore>& queue) mutable {
            if (queue)
                done(work(*queue));
            else
                done(Answer(queue.error()));
        });
    }
    // Something has changed that is worth a look.
    void look();

  private:
    using Task = std::function<void(Result<core::QueueStore>&)>;
    using Clock = std::chrono::steady_clock;

    int64_t put(Task task);
    void run();
    std::optional<Task> nextTask(); // after the wait for one; nullopt: there is none
    bool isOver();
    void showWhatChanged();

    Options m_options;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<Task> m_tasks;
    int64_t m_lastAsked = 0;
    bool m_look = true;
    bool m_ending = false;
    // The desk's thread alone:
    Result<core::QueueStore> m_queue = Error(ErrorCode::Internal, "The queue is not open yet.");
    int64_t m_done = 0;
    int64_t m_seenVersion = -1;
    bool m_stale = true; // what was handed out last is not what there is
    Clock::time_point m_nextView{};
    std::thread m_thread; // last: everything it uses is there
};

} // namespace kinora::app
