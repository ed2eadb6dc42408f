#pragma once
// What rendering a project comes to, before it begins: pictures, time, disk, energy.

#include "core/project/project_renderer.h"
#include "pipelines/plan/plan.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

struct RenderKind { // tasks that differ in prompt and seed alone
    int64_t tasks = 0;
    int64_t firstTask = 0;
    std::string model;
    double seconds = 0;   // of all of them, loading once
    pipelines::Plan plan; // of at most ten thousand
};

struct RenderEstimate {
    int64_t tasks = 0;
    int64_t present = 0;    // a file of the task's name is there (looked into when it is run)
    double seconds = 0;     // the plans' sum, over the engine's capacity
    uint64_t diskBytes = 0; // by the format's usual bytes for each pixel
    uint64_t freeBytes = 0; // on the results' disk
    double wattHours = 0;   // seconds at `watts`
    double watts = 0;
    std::string wattsFrom; // "the processor's own limit", "an assumption"
    std::vector<RenderKind> kinds;
    int64_t impossible = 0; // tasks that cannot be prepared or planned: each will fail by itself
    std::vector<std::pair<int64_t, Error>> problems; // of the first hundred of these
};

// One plan for each kind. Errors: no task can be made and none is there (the first one's reason),
// or no worker is left to plan; nothing was run. Throws Cancelled.
Result<RenderEstimate> estimateRender(const RenderWork& work, const RenderOptions& options,
                                      const CancelToken& cancel);

} // namespace kinora::core
