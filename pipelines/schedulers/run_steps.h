#pragma once
// The number of steps that a scheduler can take.

#include "kernels/base/error.h"

#include <cstdint>
#include <string>

namespace kinora::pipelines {

// Throws Error{InvalidArgument} unless 1 <= steps <= most. `what` says where `most` comes from.
inline void checkSteps(int steps, int64_t most, const char* what) {
    if (steps < 1 || steps > most)
        throw Error(ErrorCode::InvalidArgument,
                    "steps: " + std::to_string(steps) + " is out of range.",
                    "Use 1 to " + std::to_string(most) + ", " + what + ".");
}

} // namespace kinora::pipelines
