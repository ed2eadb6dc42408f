#include "core/project/render_estimate.h"

#include "core/engine/no_worker_left.h"
#include "core/project/task_preparer.h"
#include "kernels/base/disk_space.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <thread>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

// Rough figures for drawn and photographic pictures, not measured; a PNG of noise takes three and
// more.
constexpr struct {
    const char* format;
    double bytesPerPixel;
} kSizes[] = {{"png", 1.8}, {"tiff", 3.0}, {"tif", 3.0},  {"exr", 5.0},
              {"jpg", 0.4}, {"jpeg", 0.4}, {"webp", 0.3}, {"avif", 0.25}};

double bytesPerPixel(const std::string& format) {
    for (const auto& size : kSizes)
        if (format == size.format) return size.bytesPerPixel;
    return kSizes[0].bytesPerPixel;
}

// The long-term limit that the processors' packages keep under load, where the system tells it.
// Source: Documentation/power/powercap/powercap.rst of Linux.
double packageLimitWatts() {
    double watts = 0;
    for (int package = 0; package < 16; ++package) {
        std::ifstream file("/sys/class/powercap/intel-rapl:" + std::to_string(package) +
                           "/constraint_0_power_limit_uw");
        double microwatts = 0;
        if (file >> microwatts && microwatts > 0) watts += microwatts / 1e6;
    }
    return watts;
}

void estimatePower(RenderEstimate& estimate) {
    constexpr double kRestOfMachine = 20; // memory, disk, losses of the power supply
    const double limit = packageLimitWatts();
    if (limit > 0 && limit < 2000) {
        estimate.watts = limit + kRestOfMachine;
        estimate.wattsFrom = "the processor's power limit and 20 W for the rest of the machine";
    } else {
        constexpr double kPerThread = 6; // desktop and server processors: 4 to 10 W under load
        const double threads = std::max(1U, std::thread::hardware_concurrency());
        estimate.watts = kRestOfMachine + kPerThread * threads;
        estimate.wattsFrom = "an assumption: 6 W for each thread and 20 W for the machine";
    }
    estimate.wattHours = estimate.watts * estimate.seconds / 3600;
}

// Which plan a task has: all that it asks for but what costs nothing.
std::string kindOf(const TaskOutput& output) {
    nlohmann::json request = pipelines::toJson(output.request);
    for (const char* name : {"prompt", "negative", "seed", "latents", "latentsIndex"})
        request.erase(name);
    // Without guidance a step is half the work, whatever the texts.
    return request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

constexpr size_t kKeptProblems = 100;

void addProblem(RenderEstimate& estimate, int64_t firstTask, int64_t tasks, const Error& error) {
    estimate.impossible += tasks;
    if (estimate.problems.size() < kKeptProblems) estimate.problems.emplace_back(firstTask, error);
}

// Of the tasks that are not there, by what they cost; requests: the first of each kind.
void findKinds(const RenderWork& work, const RenderOptions& options, const CancelToken& cancel,
               RenderEstimate& estimate, std::vector<pipelines::ImageRequest>& requests) {
    TaskPreparer preparer(work.project, work.paths, work.library, options.overrides);
    std::map<std::string, size_t> places;
    for (const int64_t task : options.tasks) {
        cancel.check();
        const Result<TaskOutput> output = preparer.prepare(task, cancel);
        if (!output) {
            addProblem(estimate, task, 1, output.error());
            continue;
        }
        std::error_code ignored;
        if (fs::exists(fs::symlink_status(options.out / output->name, ignored))) {
            ++estimate.present;
            continue;
        }
        const auto [place, isNew] = places.try_emplace(kindOf(*output), estimate.kinds.size());
        if (isNew) {
            estimate.kinds.push_back({0, task, output->modelName, 0, {}});
            requests.push_back(output->request);
        }
        ++estimate.kinds[place->second].tasks;
    }
}

Result<void> planKind(const RenderWork& work, pipelines::ImageRequest request, RenderKind& kind) {
    constexpr int64_t kMostCount = 10'000; // of one request
    request.count = std::min(kind.tasks, kMostCount);
    request.seed = 0; // leaves room for all of them
    Result<pipelines::Plan> plan = work.engine.plan(request);
    if (!plan)
        return Error(plan.error().code(),
                     "Task " + std::to_string(kind.firstTask) + ": " + plan.error().message(),
                     plan.error().advice());
    kind.plan = *std::move(plan);
    kind.seconds =
        kind.plan.seconds * static_cast<double>(kind.tasks) / static_cast<double>(request.count);
    return {};
}

} // namespace

Result<RenderEstimate> estimateRender(const RenderWork& work, const RenderOptions& options,
                                      const CancelToken& cancel) {
    RenderEstimate estimate;
    estimate.tasks = static_cast<int64_t>(options.tasks.size());
    std::vector<RenderKind> found;
    std::vector<pipelines::ImageRequest> requests;
    findKinds(work, options, cancel, estimate, requests);
    found.swap(estimate.kinds);
    for (size_t i = 0; i < found.size(); ++i) {
        cancel.check();
        RenderKind& kind = found[i];
        if (const Result<void> planned = planKind(work, std::move(requests[i]), kind); !planned) {
            if (noWorkerIsLeft(work.engine, planned.error())) return planned.error();
            addProblem(estimate, kind.firstTask, kind.tasks, planned.error());
            continue;
        }
        estimate.seconds += kind.seconds;
        estimate.diskBytes += static_cast<uint64_t>(
            static_cast<double>(kind.plan.width * kind.plan.height * kind.tasks) *
            bytesPerPixel(work.project.outputFormat()));
        estimate.kinds.push_back(std::move(kind));
    }
    if (estimate.kinds.empty() && estimate.present == 0 && !estimate.problems.empty())
        return estimate.problems.front().second;
    estimate.seconds /= std::max(1, work.engine.capacity());
    estimate.freeBytes = freeDiskBytes(options.out).value_or(0);
    estimatePower(estimate);
    return estimate;
}

} // namespace kinora::core
