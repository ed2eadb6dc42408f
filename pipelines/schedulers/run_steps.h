#pragma once
// The number of steps that a scheduler can take.

#include "kernels/base/error.h"

#include <cstdint>
#include <string>

namespace kinora::pipelines {

// Throws Error{InvalidArgument} unless least <= steps <= most. `what` says where the bounds come
// from.
inline void checkSteps(int steps, int64_t most, const char* what, int least = 1) {
    if (steps < least || steps > most)
        throw Error(
            ErrorCode::InvalidArgument, "steps: " + std::to_string(steps) + " is out of range.",
            "Use " + std::to_string(least) + " to " + std::to_string(most) + ", " + what + ".");
}

} // namespace kinora::pipelines
