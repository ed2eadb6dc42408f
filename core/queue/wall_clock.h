#pragma once
// When something was: for people to read, never for durations (boot_clock.h), because it jumps.

#include <chrono>
#include <cstdint>

namespace kinora::core {

inline int64_t secondsSince1970() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

} // namespace kinora::core
