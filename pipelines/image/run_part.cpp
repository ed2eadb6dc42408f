#include "pipelines/image/run_part.h"

#include "kernels/base/error.h"

#include <cmath>

namespace kinora::pipelines {
namespace {

// The timestep where a share of the noise levels is behind: calls from it up come before.
double cutoffOf(double share, int64_t trainingTimesteps) {
    const auto all = static_cast<double>(trainingTimesteps);
    return std::nearbyint(all - share * all); // to even, as Python rounds
}

} // namespace

CallRange callsOf(const Scheduler& scheduler, const RunPart& part, int64_t trainingTimesteps) {
    CallRange calls{0, scheduler.callCount()};
    if (!part.ends()) {
        const double cutoff = cutoffOf(part.to, trainingTimesteps);
        int before = 0;
        for (int call = 0; call < scheduler.callCount(); ++call)
            if (scheduler.timestep(call) >= cutoff) ++before;
        calls.end = before;
    }
    if (!part.begins()) {
        const double cutoff = cutoffOf(part.from, trainingTimesteps);
        int left = 0;
        for (int call = 0; call < scheduler.callCount(); ++call)
            if (scheduler.timestep(call) < cutoff) ++left;
        // All timesteps but the highest stand twice there: an even rest would begin between two.
        if (scheduler.callsPerStep() == 2 && left % 2 == 0) ++left;
        calls.first = scheduler.callCount() - left;
    }
    if (calls.first < calls.end) return calls;
    throw Error(ErrorCode::InvalidArgument, "No step is left for one of the two models.",
                "Use more steps, or hand over at another share of them.");
}

} // namespace kinora::pipelines
