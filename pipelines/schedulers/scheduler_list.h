#pragma once
// Each scheduler's row for the registry, defined in the file of its name.

#include "pipelines/schedulers/scheduler.h"

namespace kinora::pipelines {

SchedulerInfo ddimScheduler();
SchedulerInfo dpmSolverMultistepScheduler();
SchedulerInfo eulerAncestralScheduler();
SchedulerInfo eulerScheduler();
SchedulerInfo lcmScheduler();

} // namespace kinora::pipelines
