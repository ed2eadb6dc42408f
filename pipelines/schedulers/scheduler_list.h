#pragma once
// Each scheduler's row for the registry, defined in the file of its name.

#include "pipelines/schedulers/scheduler.h"
#include "pipelines/schedulers/scheduler_config.h"

namespace kinora::pipelines {

SchedulerInfo ddimScheduler();
SchedulerInfo ddpmScheduler();
SchedulerInfo deisScheduler();
SchedulerInfo dpmSolverMultistepScheduler();
SchedulerInfo dpmSolverMultistepSdeScheduler();
SchedulerInfo dpmSolverSinglestepScheduler();
SchedulerInfo eulerAncestralScheduler();
SchedulerInfo eulerScheduler();
SchedulerInfo heunScheduler();
SchedulerInfo kDpm2AncestralScheduler();
SchedulerInfo kDpm2Scheduler();
SchedulerInfo lcmScheduler();
SchedulerInfo lmsScheduler();
SchedulerInfo pndmScheduler();
SchedulerInfo tcdScheduler();
SchedulerInfo uniPcScheduler();

// For SchedulerInfo::make.
template <typename Member>
std::unique_ptr<Scheduler> makeMember(const SchedulerConfig& config,
                                      const SchedulerOptions& options) {
    return std::make_unique<Member>(config, options);
}

// The schedules of samplers over sigmas: those whose class knows no schedules of its own follow
// the ones that need no more than the training noise.
inline std::vector<std::string_view> allSchedules() {
    return {"normal", "karras", "exponential", "beta", "sgm_uniform", "simple", "align_your_steps"};
}
inline std::vector<std::string_view> schedulesWithoutRange() {
    return {"normal", "sgm_uniform", "simple", "align_your_steps"};
}

} // namespace kinora::pipelines
