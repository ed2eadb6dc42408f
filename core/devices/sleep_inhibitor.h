#pragma once
// Keeps the machine awake while work runs.
//
//     SleepInhibitor awake("Rendering 40 pictures");
//
// Asks logind through systemd-inhibit, which holds the request for as long as this object lives,
// and lets go of it when the process ends in any way. Where there is no logind nothing is held, and
// nothing fails: work is done all the same. Any thread; not copied.

#include <string>
#include <sys/types.h>

namespace kinora::core {

class SleepInhibitor {
  public:
    // reason: what the desktop shows where a person asks why the machine stays awake.
    explicit SleepInhibitor(const std::string& reason);
    ~SleepInhibitor();
    SleepInhibitor(const SleepInhibitor&) = delete;
    SleepInhibitor& operator=(const SleepInhibitor&) = delete;

    // Whether the request stands. It may be refused a moment after it was made: false from then on.
    bool holds() const;

  private:
    pid_t m_process = -1;
    int m_pipe = -1; // its standard input: closed, it ends
};

} // namespace kinora::core
