#include "core/engine/job_runner.h"

#include "core/engine/job_identity.h"
#include "core/engine/passes/enlarge_picture.h"
#include "core/engine/passes/plan_passes.h"
#include "core/engine/process_memory.h"
#include "core/engine/tensor_image.h"
#include "core/engine/tiny_preview_file.h"
#include "core/library/open_model.h"
#include "kernels/base/elapsed_time.h"
#include "kernels/base/error.h"
#include "kernels/base/log.h"
#include "pipelines/image/resolve_request.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <new>
#include <random>
#include <thread>
#include <utility>

namespace kinora::core {

using pipelines::ImageRequest;

namespace {

// What a run touches besides weights and tensors: three networks, and a picture at the end.
constexpr size_t kLibraryBytes = 3 * kGeneratedCodeBytes + kPictureLibraryBytes;

Error outOfMemory() {
    return Error(ErrorCode::OutOfMemory, "Out of memory.",
                 "Use a smaller size or batch, or close other programs.");
}

} // namespace

JobRunner::JobRunner(const kernels::BackendRegistry& backends, const ModelLibrary& library,
                     Options options)
    : m_backends(backends), m_library(library), m_options(std::move(options)),
      m_startBytes(residentBytes()), m_programBytes(m_startBytes + kLibraryBytes),
      m_speeds(m_options.dataFolder.empty() ? std::filesystem::path()
                                            : m_options.dataFolder / "cache" / "speeds.json") {
    if (m_options.threads <= 0)
        m_options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

JobRunner::~JobRunner() = default;

Result<pipelines::Plan> JobRunner::plan(const ImageRequest& request) {
    try {
        return prepare(request).plan;
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return outOfMemory();
    } catch (const std::exception& error) {
        return Error(ErrorCode::Internal, std::string("Planning failed: ") + error.what());
    }
}

void JobRunner::run(const ImageRequest& request, const EngineSink& sink, const JobControl& control,
                    CheckpointStore* store) {
    JobCheckpoint checkpoint(store);
    EngineEvent end = CancelledEvent{};
    try {
        const ImageRequest asked = checkpoint.withSeed(request),
                           before = checkpoint.withTiling(asked);
        Prepared prepared = prepare(before);
        if (!prepared.plan.fits && before.tiling != asked.tiling) prepared = prepare(asked);
        sink(PlannedEvent{prepared.plan, prepared.request});
        refuseWhatDoesNotFit(prepared);
        m_computing = true;
        end = compute(prepared, sink, control, checkpoint);
    } catch (const Cancelled&) {
        // The end is what it was.
    } catch (const Error& error) {
        end = FailedEvent{error};
    } catch (const std::bad_alloc&) {
        end = FailedEvent{outOfMemory()};
    } catch (const std::exception& error) {
        end =
            FailedEvent{Error(ErrorCode::Internal, std::string("The job failed: ") + error.what())};
    } catch (...) { // nothing may leave the engine's thread
        end = FailedEvent{Error(ErrorCode::Internal, "The job failed for an unknown reason.")};
    }
    m_computing = false;
    const auto* failed = std::get_if<FailedEvent>(&end);
    if (failed && failed->error.code() == ErrorCode::OutOfMemory)
        m_warm.clear(); // the next job starts with all the memory there is
    m_warm.update();    // however the job ended: its model may be warm
    const bool leaves = std::holds_alternative<CancelledEvent>(end) && control.leave.cancelled();
    if (leaves)
        checkpoint.leave();
    else if (!failed)
        checkpoint.clear();
    sink(end);
}

JobRunner::Model JobRunner::openNamed(const std::string& name) const {
    Result<ModelEntry> entry = m_library.find(name);
    if (!entry) throw entry.error();
    if (!entry->problem.empty())
        throw Error(ErrorCode::BadFile, entry->name + ": " + entry->problem);
    pipelines::Model model = openModel(entry->path);
    return {std::move(*entry), std::move(model), {}};
}

kernels::DType JobRunner::precisionOf(const ImageRequest& request) const {
    if (request.device != "auto" && request.device != "cpu")
        throw Error(ErrorCode::NotFound, "device: '" + request.device + "' is not here.",
                    "Use auto or cpu; kinora devices lists what there is.");
    const kernels::BackendTable& backend = m_backends.find("cpu");
    kernels::DeviceDescription description{};
    backend.describe(0, &description);
    return pipelines::choosePrecision(request.precision, backend, 0, description);
}

JobRunner::Prepared JobRunner::prepare(const ImageRequest& asked) {
    Prepared prepared;
    prepared.models.reserve(2); // the first one is spoken of after the second has come
    prepared.models.push_back(openNamed(asked.model));
    pipelines::Model& model = prepared.models.front().model;
    const InputPictures pictures = InputPictures::read(asked);
    ImageRequest& request = prepared.request;
    request = pipelines::resolveRequest(asked, model, pictures.size());
    prepared.compute = precisionOf(request);
    request.model = prepared.models.front().entry.name;
    const Companions companions = addCompanions(request, model, m_library);
    if (!request.seed) request.seed = static_cast<int64_t>(std::random_device{}() & 0xffffffffu);
    // One at a time: the least memory, the first picture soonest.
    if (request.hires || request.batch == 0) request.batch = 1;
    if (companions.refiner) {
        prepared.models.push_back(openNamed(companions.refiner->string()));
        if (companions.vae)
            prepared.models.back().model.replaceVae(pipelines::ExternalVae(*companions.vae));
    }
    std::vector<std::string> previewWarnings;
    for (const Model& one : prepared.models)
        prepared.tinyPreviews.push_back(
            findTinyPreview(request, one.model, m_library, m_backends, previewWarnings));
    prepared.companions = companions.files;
    prepared.pictures = companions.pictures;

    planPassesOf(prepared, companions, pictures);
    std::vector<std::string>& warnings = prepared.plan.warnings;
    warnings = pipelines::modelWarnings(asked, model);
    std::ranges::copy(companions.warnings, std::back_inserter(warnings));
    std::ranges::move(previewWarnings, std::back_inserter(warnings));
    std::ranges::move(pictures.notes(*request.width, *request.height),
                      std::back_inserter(warnings));
    return prepared;
}

void JobRunner::planPassesOf(Prepared& prepared, const Companions& companions,
                             const InputPictures& pictures) {
    const std::lock_guard lock(m_planMutex);
    const pipelines::Machine machine = this->machine(prepared.compute);
    PassPlanning with{{}, machine, m_backends, prepared.compute, pictures};
    for (size_t i = 0; i < prepared.models.size(); ++i) {
        Model& model = prepared.models[i];
        model.changed = lastChange(model.model);
        with.models.push_back(
            {model.entry.name, model.model,
             plannerOf(m_planners.at(i), model.model, model.changed, prepared.compute),
             prepared.tinyPreviews[i]});
    }
    prepared.passes = planPasses(prepared.request, companions, with);
    prepared.plan = planOf(prepared.passes, machine);
    prepared.speed = machine.speed;
    prepared.request.tiling = prepared.plan.tiling == "vae" ? "on" : "off";
    setTiling(prepared.passes, prepared.request.tiling);
}

pipelines::TextToImagePlanner& JobRunner::plannerOf(std::unique_ptr<Planner>& kept,
                                                    const pipelines::Model& model,
                                                    std::filesystem::file_time_type changed,
                                                    kernels::DType compute) {
    if (!kept || kept->path != model.path() || kept->additions != model.additions() ||
        kept->changed != changed || kept->compute != compute)
        kept = std::make_unique<Planner>(
            Planner{model.path(), model.additions(), changed, compute,
                    std::make_unique<pipelines::TextToImagePlanner>(model, m_backends.find("meta"),
                                                                    compute, m_options.threads)});
    return *kept->planner;
}

pipelines::Machine JobRunner::machine(kernels::DType compute) {
    const kernels::BackendTable& backend = m_backends.find("cpu");
    pipelines::Machine machine;
    backend.describe(0, &machine.device);
    machine.backend = backend.name;
    machine.threads = m_options.threads;
    machine.programBytes = m_programBytes;
    // The warm models' memory is reused or given back; what the program began with is taken
    // already. The rest of programBytes may not be resident yet: it has to come out of what is
    // free.
    machine.device.freeMemoryBytes += m_warm.bytes() + m_startBytes;
    if (m_options.memoryLimitBytes)
        machine.device.freeMemoryBytes =
            std::min<uint64_t>(machine.device.freeMemoryBytes, m_options.memoryLimitBytes);
    machine.speed =
        m_speeds.get(speedKey(machine.device), backend, m_options.threads, compute,
                     m_computing ? SpeedCache::Remember::No : SpeedCache::Remember::Yes);
    return machine;
}

std::string JobRunner::speedKey(const kernels::DeviceDescription& device) const {
    return m_options.version + "|" + device.name;
}

void JobRunner::learn(const MeasuredWork& measured, kernels::DType compute) {
    if (!measured.times()) return;
    const kernels::BackendTable& backend = m_backends.find("cpu");
    kernels::DeviceDescription device{};
    backend.describe(0, &device);
    const std::lock_guard lock(m_planMutex);
    m_speeds.learn(speedKey(device), backend, m_options.threads, compute, *measured.times());
}

void JobRunner::refuseWhatDoesNotFit(const Prepared& prepared) const {
    if (prepared.plan.fits) return;
    kernels::DeviceDescription device{};
    m_backends.find("cpu").describe(0, &device);
    uint64_t most = device.memoryBytes;
    if (m_options.memoryLimitBytes) most = std::min<uint64_t>(most, m_options.memoryLimitBytes);
    const bool never = prepared.plan.peakBytes > most;
    const bool wouldAlone = prepared.plan.peakBytes <= device.memoryBytes;
    throw Error(never ? ErrorCode::DoesNotFit : ErrorCode::Busy,
                !never       ? "There is not enough free memory for this run at the moment."
                : wouldAlone ? "This run does not fit its share of the memory; fewer --workers "
                               "have more each."
                             : "This run does not fit this machine.",
                prepared.plan.advice);
}

// Other warm models stay as long as the run fits beside them, with a tenth of the memory to spare.
void JobRunner::makeRoomFor(const pipelines::Plan& plan, const WarmModels::Model* warm) {
    const size_t own = (warm ? warm->bytes() : 0) + m_startBytes; // is there already
    const size_t more = plan.peakBytes - std::min(own, plan.peakBytes);
    m_warm.makeRoom(
        [&] {
            kernels::DeviceDescription device{};
            m_backends.find("cpu").describe(0, &device);
            constexpr uint64_t kSpare = 10; // a tenth
            const size_t limit = m_options.memoryLimitBytes;
            return more + device.memoryBytes / kSpare <= device.freeMemoryBytes &&
                   (limit == 0 || m_startBytes + m_warm.bytes() + more <= limit);
        },
        warm);
}

pipelines::TextToImage& JobRunner::load(const Prepared& prepared, const Pass& pass,
                                        const EngineSink& sink, const CancelToken& cancel) {
    const Model& model = prepared.models[pass.model];
    const WarmModels::Source source{model.model.path(), model.model.additions(), model.changed,
                                    prepared.compute};
    WarmModels::Model* warm = m_warm.find(source);
    makeRoomFor(pass.plan, warm);
    if (warm) {
        warm->device->setCancelToken(cancel);
        return *warm->pipeline;
    }
    WarmModels::Model loaded;
    loaded.source = source;
    loaded.device = m_backends.open(
        "cpu", {.threads = m_options.threads, .memoryLimitBytes = m_options.memoryLimitBytes});
    loaded.device->setCancelToken(cancel);
    pipelines::TextToImageEvents events;
    events.loading = [&](const std::string& component, double fraction) {
        sink(LoadingEvent{component, fraction});
    };
    loaded.pipeline = std::make_unique<pipelines::TextToImage>(model.model, *loaded.device,
                                                               prepared.compute, events);
    if (const auto& unused = loaded.pipeline->unusedTensors(); !unused.empty())
        logMessage(LogLevel::Warning, model.entry.name + ": " + std::to_string(unused.size()) +
                                          " tensors were not used, " + unused.front() +
                                          " the first of them.");
    return *m_warm.add(std::move(loaded)).pipeline;
}

PassHooks JobRunner::hooksFor(const Prepared& prepared, const EngineSink& sink,
                              const JobControl& control, const Reports& reports) {
    const CancelToken& cancel = control.cancel;
    const auto& [checkpoint, reporter, measured] = reports;
    PassHooks hooks;
    hooks.load = [&, this](const Pass& pass) -> pipelines::TextToImage& {
        measured.end(); // the device that it measures may make room for another
        return load(prepared, pass, sink, cancel);
    };
    hooks.enlarge = [&, this](const PictureEnlargement& how, const Image& picture,
                              const std::function<void()>& tile) {
        reporter.startSteps();
        return enlargedPicture(m_backends, how, picture, cancel, [&] {
            tile();
            control.leave.check();
        });
    };
    hooks.loading = [&](const std::string& component, double fraction) {
        sink(LoadingEvent{component, fraction});
    };
    hooks.encoded = [&, this] {
        reporter.startSteps();
        measured.begin(*m_warm.newest().device);
    };
    hooks.state = [&](pipelines::RunMoment moment, const std::function<PassState()>& state) {
        checkpoint.offer(moment, state);
        control.leave.check();
    };
    hooks.step = [&](const PassPlace& place) {
        place.tiles == 0 ? measured.stepDone() : measured.skip();
        reporter.stepDone(place);
    };
    hooks.preview = [&](int64_t picture, const kernels::Tensor& preview) {
        sink(PreviewEvent{picture, toImage(preview)});
    };
    hooks.picture = [&](int64_t picture, Image image) {
        measured.skip();
        reporter.pictureDone(picture, std::move(image));
    };
    hooks.stopAfterThis = [&] { return control.stopAfterThis.load(); };
    return hooks;
}

FinishedEvent JobRunner::compute(const Prepared& prepared, const EngineSink& sink,
                                 const JobControl& control, JobCheckpoint& checkpoint) {
    const auto start = Clock::now();
    Provenance provenance = provenanceOf(prepared.request, control.cancel);
    provenance.modelName = prepared.models.front().entry.name;
    provenance.engineVersion = m_options.version;
    provenance.device = prepared.plan.deviceName;
    provenance.precision = prepared.plan.precision;
    provenance.threads = prepared.plan.threads;
    provenance.batch = prepared.plan.batch;
    std::vector<const pipelines::Model*> models;
    for (const Model& model : prepared.models) models.push_back(&model.model);
    RunIdentity identity = identityOf(prepared.request, provenance, models, prepared.passes,
                                      prepared.pictures, control.cancel);
    const BackgroundHash hashes(m_library, prepared.models.front().entry, prepared.companions);
    JobReporter reporter({prepared.request, prepared.passes, provenance, hashes}, sink,
                         control.cancel);
    MeasuredWork measured(prepared.speed);
    const Reports reports{checkpoint, reporter, measured};
    PassWalk walk(prepared.passes, hooksFor(prepared, sink, control, reports));
    const PassState* from = checkpoint.begin(std::move(identity), [&](const PassState& kept) {
        const PassPlace place = walk.check(kept);
        const PassProgress progress(prepared.passes);
        return JobCheckpoint::Place{progress.pictureAt(place), progress.stepOfPicture(place)};
    });
    if (checkpoint.resumed()) sink(*checkpoint.resumed());
    walk.run(from);
    learn(measured, prepared.compute);
    return {secondsSince(start), reporter.denoiseSeconds(), peakResidentBytes()};
}

} // namespace kinora::core
