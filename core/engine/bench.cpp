#include "core/engine/bench.h"

#include "core/engine/bench_networks.h"
#include "core/engine/process_memory.h"
#include "core/engine/speed_cache.h"
#include "core/media/text_encoding.h"
#include "pipelines/image/plan_text_to_image.h"
#include "pipelines/plan/time_model.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>

namespace kinora::core {
namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// What the run asks for, from shapes alone.
void predict(const kernels::BackendRegistry& backends, const pipelines::Model& model,
             const BenchOptions& options, kernels::DType compute,
             const pipelines::DeviceSpeed& speed, BenchResult& result) {
    const auto meta = backends.open("meta", {.threads = result.threads});
    const BenchNetworks networks(model, options, *meta, compute);
    meta->startRecording();
    networks.run();
    const std::vector<kernels::WorkRecord> work = meta->stopRecording();
    for (const kernels::WorkRecord& record : work) result.gflop += record.floatOperations * 1e-9;
    result.predictedSeconds = pipelines::predictSeconds(work, speed);
    // What was taken before and given back (by measuring the speed, say) is room for the run.
    const uint64_t networkCount = options.part == BenchPart::Image ? 3 : 1;
    result.predictedPeakBytes = std::max(
        peakResidentBytes(), residentBytes() + networkCount * kGeneratedCodeBytes +
                                 meta->weightBytes() + meta->arena().stats().peakReservedBytes);
}

// -> of the run in the middle.
pipelines::ClassTimes measure(const kernels::BackendRegistry& backends,
                              const pipelines::Model& model, const BenchOptions& options,
                              kernels::DType compute, const pipelines::DeviceSpeed& speed,
                              BenchResult& result) {
    const auto device = backends.open("cpu", {.threads = result.threads});
    device->setCancelToken(options.cancel);
    const BenchNetworks networks(model, options, *device, compute);
    struct Run {
        double seconds;
        pipelines::ClassTimes times;
    };
    std::vector<Run> runs;
    // The first run makes oneDNN's primitives and fills the arena.
    for (int64_t run = 0; run <= options.repeat; ++run) {
        options.cancel.check();
        device->startRecording();
        const auto start = Clock::now();
        networks.run();
        const std::chrono::duration<double> took = Clock::now() - start;
        const std::vector<kernels::WorkRecord> work = device->stopRecording();
        if (run > 0) {
            result.seconds.push_back(took.count());
            runs.push_back({took.count(), pipelines::timesByClass(work, speed)});
        }
        if (options.progress) options.progress(run);
    }
    result.medianSeconds = median(result.seconds);
    result.peakBytes = peakResidentBytes();
    const auto middle = runs.begin() + std::ssize(runs) / 2;
    std::ranges::nth_element(runs, middle, {}, &Run::seconds);
    const pipelines::ClassTimes& times = middle->times;
    for (size_t i = 0; i < times.size(); ++i)
        if (times[i].ops > 0)
            result.classes.push_back(
                {pipelines::workClassName(static_cast<kernels::WorkClass>(i)), times[i]});
    return times;
}

BenchResult bench(const kernels::BackendRegistry& backends, const BenchOptions& options) {
    if (options.repeat < 1)
        throw Error(ErrorCode::InvalidArgument, "repeat: it must be at least 1.");
    const kernels::BackendTable& cpu = backends.find("cpu");
    kernels::DeviceDescription description{};
    cpu.describe(0, &description);
    const kernels::DType compute =
        pipelines::choosePrecision(options.precision, cpu, 0, description);
    BenchResult result;
    result.precision = kernels::dtypeName(compute);
    result.threads = options.threads > 0
                         ? options.threads
                         : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    SpeedCache speeds(options.dataFolder.empty() ? std::filesystem::path()
                                                 : options.dataFolder / "cache" / "speeds.json");
    const std::string key = options.version + "|" + description.name;
    const pipelines::DeviceSpeed speed = speeds.get(key, cpu, result.threads, compute);
    const pipelines::Model model = pipelines::Model::open(options.modelFolder);
    predict(backends, model, options, compute, speed, result);
    if (result.predictedPeakBytes > description.freeMemoryBytes)
        throw Error(result.predictedPeakBytes > description.memoryBytes ? ErrorCode::DoesNotFit
                                                                        : ErrorCode::Busy,
                    "This takes " + std::to_string(result.predictedPeakBytes >> 20) +
                        " MiB of memory and " + std::to_string(description.freeMemoryBytes >> 20) +
                        " MiB are free.",
                    "Use a smaller size or batch.");
    const pipelines::ClassTimes times = measure(backends, model, options, compute, speed, result);
    speeds.learn(key, cpu, result.threads, compute, times);
    return result;
}

} // namespace

Result<std::optional<BenchResult>> runBench(const kernels::BackendRegistry& backends,
                                            const BenchOptions& options) {
    try {
        return std::optional<BenchResult>(bench(backends, options));
    } catch (const Cancelled&) {
        return std::optional<BenchResult>();
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error(ErrorCode::OutOfMemory, "Memory ran out.", "Use a smaller size or batch.");
    } catch (const std::filesystem::filesystem_error& error) {
        return Error(ErrorCode::Io, shownPath(error.path1()) + ": " + error.code().message() + ".");
    } catch (const std::exception& error) {
        return Error(ErrorCode::Internal, std::string("The bench failed: ") + error.what());
    }
}

} // namespace kinora::core
