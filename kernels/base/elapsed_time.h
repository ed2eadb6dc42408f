#pragma once
// How long something takes, by the clock that is never set.
//
//     const auto start = Clock::now();
//     ... secondsSince(start) ...

#include <chrono>

namespace kinora {

using Clock = std::chrono::steady_clock;

inline double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

} // namespace kinora
