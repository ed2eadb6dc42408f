#include "kernels/base/error.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/schedulers/scheduler_list.h"

#include <algorithm>
#include <array>

namespace kinora::pipelines {

namespace {

std::string joined(std::span<const std::string_view> names) {
    std::string text;
    for (std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
    return text;
}

} // namespace

std::span<const SchedulerInfo> schedulers() {
    static const std::array table = {
        ddimScheduler(),
        ddpmScheduler(),
        pndmScheduler(),
        lmsScheduler(),
        eulerScheduler(),
        eulerAncestralScheduler(),
        heunScheduler(),
        kDpm2Scheduler(),
        kDpm2AncestralScheduler(),
        dpmSolverMultistepScheduler(),
        dpmSolverMultistepSdeScheduler(),
        dpmSolverSinglestepScheduler(),
        deisScheduler(),
        uniPcScheduler(),
        lcmScheduler(),
        tcdScheduler(),
    };
    return table;
}

const SchedulerInfo* findScheduler(std::string_view name) {
    const auto found = std::ranges::find(schedulers(), name, &SchedulerInfo::name);
    return found == schedulers().end() ? nullptr : &*found;
}

const SchedulerInfo* findSchedulerByClass(std::string_view className) {
    const auto found = std::ranges::find(schedulers(), className, &SchedulerInfo::className);
    return found == schedulers().end() ? nullptr : &*found;
}

std::unique_ptr<Scheduler> makeScheduler(std::string_view name, const nlohmann::json& config,
                                         const SchedulerOptions& options) {
    const SchedulerInfo* info = findScheduler(name);
    if (!info) {
        std::vector<std::string_view> names;
        for (const SchedulerInfo& each : schedulers()) names.push_back(each.name);
        throw Error(ErrorCode::InvalidArgument,
                    "sampler: '" + std::string(name) + "' is not known.",
                    "Use one of: " + joined(names) + ".");
    }
    if (std::ranges::find(info->schedules, options.schedule) == info->schedules.end())
        throw Error(ErrorCode::InvalidArgument,
                    "schedule: the sampler " + std::string(name) + " cannot follow '" +
                        options.schedule + "'.",
                    "With " + std::string(name) + " use: " + joined(info->schedules) + ".");
    SchedulerOptions followed = options;
    if (options.schedule == "align_your_steps" && options.family == ModelFamily::StableDiffusionXl)
        followed.schedule = "align_your_steps_xl";
    return info->make(SchedulerConfig(config, info->className, options.configLabel), followed);
}

} // namespace kinora::pipelines
