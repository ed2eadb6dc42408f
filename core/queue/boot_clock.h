#pragma once
// Time that nobody can set: seconds since the machine started, those that it slept included. The
// clock on the wall jumps; deadlines and durations of the queue do not.

#include <time.h>

namespace kinora::core {

inline double bootSeconds() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

} // namespace kinora::core
