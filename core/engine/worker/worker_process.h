#pragma once
// A child process that runs `kinora worker`: started, killed, and asked how it ended.

#include "core/engine/worker/descriptor.h"
#include "core/engine/worker/shared_segment.h"
#include "kernels/base/result.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <sys/types.h>
#include <vector>

namespace kinora::core {

class WorkerProcess {
  public:
    // arguments: after the program's name. The child gets the segment and its end of the lifeline
    // as descriptors 3 and 4, nothing on standard input, its standard output where ours for errors
    // is (ours is for results), and a process group of its own: Ctrl-C in a terminal is for the
    // studio. Error{Io}.
    static Result<std::unique_ptr<WorkerProcess>> start(const std::filesystem::path& program,
                                                        std::vector<std::string> arguments,
                                                        const SharedSegment& segment);
    static constexpr int kSegmentDescriptor = 3;
    static constexpr int kLifelineDescriptor = 4;

    // Lets it leave, waits a moment, kills it.
    ~WorkerProcess();
    WorkerProcess(const WorkerProcess&) = delete;
    WorkerProcess& operator=(const WorkerProcess&) = delete;

    pid_t pid() const { return m_pid; }
    // True once it listens; false where it ended before, or does not in that time. One thread.
    bool waitUntilReady(double seconds) const;
    // True once it has ended, or as soon as it does within that time. Any thread.
    bool waitForEnd(double seconds) const;
    // With signal 9; nothing where it has ended. Any thread.
    void kill();
    // Waits; kills what does not end within that time, and waits a moment more. "was killed (signal
    // 9)", "ended with code 1". One thread, once it is lost.
    std::string howItEnded(double seconds);
    // From now on the studio is gone, as far as it can tell, and waitForEnd() waits no more. Any
    // thread.
    void letGo();

  private:
    WorkerProcess(pid_t pid, Descriptor lifeline);
    bool reap();
    bool reapWithin(double seconds);

    const pid_t m_pid;
    Descriptor m_lifeline;
    std::mutex m_mutex; // between kill() and the reaping of the process id
    bool m_reaped = false;
    int m_status = 0;
};

} // namespace kinora::core
