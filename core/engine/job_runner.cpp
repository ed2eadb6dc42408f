#include "core/engine/job_runner.h"

#include "core/engine/companions.h"
#include "core/engine/input_pictures.h"
#include "core/engine/process_memory.h"
#include "core/library/file_hash.h"
#include "core/library/open_model.h"
#include "core/media/sha256.h"
#include "core/media/text_encoding.h"
#include "kernels/base/error.h"
#include "kernels/base/log.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/vae/vae.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <new>
#include <random>
#include <span>
#include <thread>
#include <utility>

namespace kinora::core {

using pipelines::ImageRequest;

namespace {

using Clock = std::chrono::steady_clock;

// What a run touches besides weights and tensors: three networks, and a picture at the end.
constexpr size_t kLibraryBytes = 3 * kGeneratedCodeBytes + kPictureLibraryBytes;

double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void fileWent(const std::filesystem::path& path, const std::error_code& error) {
    throw Error(ErrorCode::Io, shownPath(path) + ": " + error.message() + ".",
                "Another program may be changing the model's folder.");
}

// Of all files, by names, sizes and times: their contents are too many to be read before a run.
// Throws Error{Io} where a file went meanwhile.
std::string filesIdentity(const pipelines::Model& model) {
    Sha256 hash;
    const auto add = [&hash](const std::string& text) {
        hash.add(std::as_bytes(std::span(text.c_str(), text.size() + 1)));
    };
    for (const auto& file : model.files()) {
        const auto path = model.root() / file;
        try {
            add(file.string());
            add(std::to_string(std::filesystem::file_size(path)));
            add(std::to_string(std::filesystem::last_write_time(path).time_since_epoch().count()));
        } catch (const std::filesystem::filesystem_error& error) {
            fileWent(path, error.code());
        }
    }
    add(model.additions());
    return hash.digits();
}

// Of a file that the run begins from; empty where there is none. Throws where it cannot be read,
// and Cancelled.
std::string inputHash(const std::string& path, const CancelToken& cancel) {
    if (path.empty()) return {};
    const Result<std::string> hash = FileHashes({}).hash(path, cancel);
    if (!hash) throw hash.error();
    return sha256Name(*hash);
}

// Of what embeddings say, by their vectors; empty where there are none.
std::string wordsHash(const std::vector<pipelines::LearntWord>& words) {
    if (words.empty()) return {};
    Sha256 hash;
    for (const pipelines::LearntWord& word : words) {
        hash.add(std::as_bytes(std::span(word.word)));
        for (const char* component : {"text_encoder", "text_encoder_2"})
            hash.add(std::as_bytes(std::span(word.vectors.vectorsFor(component).values)));
    }
    return sha256Name(hash.digits());
}

int64_t latentPixels(const pipelines::Model& model) {
    return pipelines::readVaeConfig(model.config("vae"), model.configLabel("vae")).factor();
}

struct Hashes {
    std::string model;
    std::vector<UsedFile> companions;
};

// Throws Error where a file cannot be read, and Cancelled.
Hashes hashesOf(const ModelLibrary& library, const ModelEntry& entry,
                const std::vector<std::filesystem::path>& companions, const CancelToken& stop) {
    Hashes hashes;
    const Result<std::string> model = library.hash(entry, stop);
    if (!model) throw model.error();
    hashes.model = *model;
    for (const auto& path : companions) {
        const Result<std::string> hash = library.fileHash(path, stop);
        if (!hash) throw hash.error();
        hashes.companions.push_back({companionName(path), *hash});
    }
    return hashes;
}

// Hashing reads the whole model: it happens beside the computation, and ends with this object.
class BackgroundHash {
  public:
    BackgroundHash(const ModelLibrary& library, const ModelEntry& entry,
                   const std::vector<std::filesystem::path>& companions)
        : m_hash(std::async(std::launch::async, [&library, entry, companions, stop = m_stop] {
                     try {
                         return hashesOf(library, entry, companions, stop);
                     } catch (const Error& error) {
                         logMessage(LogLevel::Warning,
                                    "Pictures are saved without the model's hash: " +
                                        error.message());
                         return Hashes();
                     }
                 }).share()) {}
    ~BackgroundHash() { m_stop.cancel(); } // the future then waits for one block at the most
    BackgroundHash(const BackgroundHash&) = delete;
    BackgroundHash& operator=(const BackgroundHash&) = delete;

    // Waits. Throws Cancelled once the job is.
    Hashes get(const CancelToken& job) const {
        constexpr auto kLook = std::chrono::milliseconds(50); // at the token
        while (m_hash.wait_for(kLook) != std::future_status::ready) job.check();
        return m_hash.get();
    }

  private:
    CancelToken m_stop;
    std::shared_future<Hashes> m_hash;
};

Error outOfMemory() {
    return Error(ErrorCode::OutOfMemory, "Out of memory.",
                 "Use a smaller size or batch, or close other programs.");
}

// A VAE may have any number of channels, a picture has RGB or RGBA: one channel is gray, two are
// gray and alpha, of more than four the first three are shown.
Image toImage(const kernels::Tensor& tensor) {
    Image image{static_cast<int>(tensor.dim(1)), static_cast<int>(tensor.dim(0)), 3, {}};
    const auto values = tensor.device().toHost<float>(tensor);
    const auto stored = static_cast<size_t>(tensor.dim(2));
    image.channels = stored == 2 || stored == 4 ? 4 : 3;
    if (stored == 3 || stored == 4) {
        image.pixels = values;
        return image;
    }
    for (size_t i = 0; i < values.size(); i += stored) {
        for (size_t color = 0; color < 3; ++color)
            image.pixels.push_back(values[i + (stored > 2 ? color : 0)]);
        if (stored == 2) image.pixels.push_back(values[i + 1]);
    }
    return image;
}

} // namespace

// Turns what the pipeline says into events of the job, with times.
class JobRunner::Reporter {
  public:
    Reporter(const Prepared& prepared, const EngineSink& sink, Provenance provenance,
             const BackgroundHash& modelHash, const CancelToken& cancel)
        : m_plan(prepared.plan), m_request(prepared.request), m_sink(sink),
          m_provenance(std::move(provenance)), m_modelHash(modelHash), m_cancel(cancel) {}

    void stepDone(int64_t picture, int64_t step, int64_t steps) {
        const double seconds = secondsSince(m_lastStep);
        m_lastStep = Clock::now();
        m_denoiseSeconds += seconds;
        ++m_stepsDone;
        // The first step warms caches; a mean over all the others is steadier than the last one.
        if (m_stepsDone > 1) m_laterSeconds += seconds;
        const double perStep =
            m_stepsDone > 1 ? m_laterSeconds / static_cast<double>(m_stepsDone - 1) : seconds;
        const int64_t batches = (m_plan.count - picture - 1) / m_plan.batch; // after this one
        m_sink(StepEvent{picture, m_plan.count, step, steps, perStep,
                         perStep * static_cast<double>(steps - step + batches * steps)});
    }
    void startSteps() { m_lastStep = Clock::now(); }

    void pictureDone(int64_t picture, const kernels::Tensor& image) {
        Provenance provenance = m_provenance;
        Hashes hashes = m_modelHash.get(m_cancel);
        provenance.modelHash = std::move(hashes.model);
        provenance.files = std::move(hashes.companions);
        provenance.request.seed = *m_request.seed + picture;
        provenance.latentsIndex = m_request.latentsIndex + picture;
        m_sink(PictureEvent{picture, toImage(image), std::move(provenance)});
        startSteps();
    }

    double denoiseSeconds() const { return m_denoiseSeconds; }

  private:
    const pipelines::Plan& m_plan;
    const ImageRequest& m_request;
    const EngineSink& m_sink;
    Provenance m_provenance;
    const BackgroundHash& m_modelHash;
    const CancelToken& m_cancel;
    Clock::time_point m_lastStep = Clock::now();
    double m_denoiseSeconds = 0, m_laterSeconds = 0;
    int64_t m_stepsDone = 0;
};

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

JobRunner::Prepared JobRunner::prepare(const ImageRequest& request) {
    Result<ModelEntry> entry = m_library.find(request.model);
    if (!entry) throw entry.error();
    if (!entry->problem.empty())
        throw Error(ErrorCode::BadFile, entry->name + ": " + entry->problem);
    pipelines::Model model = openModel(entry->path);
    const InputPictures pictures = InputPictures::read(request);
    ImageRequest resolved = pipelines::resolveRequest(request, model, pictures.size());
    if (resolved.device != "auto" && resolved.device != "cpu")
        throw Error(ErrorCode::NotFound, "device: '" + resolved.device + "' is not here.",
                    "Use auto or cpu; kinora devices lists what there is.");
    resolved.model = entry->name;
    Companions companions = addCompanions(resolved, model, m_library);
    if (!resolved.seed) resolved.seed = static_cast<int64_t>(std::random_device{}() & 0xffffffffu);
    if (resolved.hires) resolved.batch = 1;
    if (resolved.batch == 0)
        resolved.batch = 1; // one at a time: the least memory, the first
                            // picture soonest
    const kernels::BackendTable& backend = m_backends.find("cpu");
    kernels::DeviceDescription description{};
    backend.describe(0, &description);
    const kernels::DType compute =
        pipelines::choosePrecision(resolved.precision, backend, 0, description);

    std::lock_guard lock(m_planMutex);
    const auto changed = lastChange(model);
    pipelines::TextToImagePlanner& planner = plannerOf(m_planner, model, changed, compute);
    pipelines::Plan plan = planner.plan(resolved, machine(compute), companions.words,
                                        {.to = resolved.refinerAt.value_or(1)});
    if (resolved.hires)
        plan = following(plan, planner.plan(pipelines::hiresRequest(resolved, latentPixels(model)),
                                            machine(compute), companions.words));
    plan.warnings = pipelines::modelWarnings(request, model);
    std::ranges::move(companions.warnings, std::back_inserter(plan.warnings));
    std::ranges::move(pictures.notes(*resolved.width, *resolved.height),
                      std::back_inserter(plan.warnings));
    pipelines::RunInputs inputs = pictures.scaledTo(*resolved.width, *resolved.height);
    inputs.words = std::move(companions.words);
    inputs.prompts = pipelines::inputShapes(resolved).prompts;
    for (size_t i = 0; i < inputs.prompts.size(); ++i)
        inputs.prompts[i].picture =
            pictureForClip(companions.pictures.at(i), companions.pictureSide);
    Prepared prepared{std::move(*entry),   std::move(model),  changed,
                      std::move(resolved), std::move(inputs), compute,
                      std::move(plan),     companions.files,  companions.pictures};
    if (prepared.request.hires) {
        const ImageRequest second =
            pipelines::hiresRequest(prepared.request, latentPixels(prepared.model));
        prepared.secondInputs = pictures.scaledTo(*second.width, *second.height);
        prepared.secondInputs.words = prepared.inputs.words;
        prepared.secondInputs.prompts = prepared.inputs.prompts;
    }
    if (companions.refiner) prepared.refiner = prepareRefiner(prepared, companions);
    if (prepared.refiner) {
        std::vector<std::string> warnings = std::move(prepared.plan.warnings);
        prepared.plan = following(prepared.plan, prepared.refiner->plan);
        prepared.plan.warnings = std::move(warnings);
    }
    prepared.request.tiling = prepared.plan.tiling == "vae" ? "on" : "off";
    if (prepared.refiner) prepared.refiner->request.tiling = prepared.request.tiling;
    return prepared;
}

std::filesystem::file_time_type JobRunner::lastChange(const pipelines::Model& model) {
    auto latest = std::filesystem::file_time_type::min(); // its zero lies in the future
    for (const auto& file : model.files()) {
        std::error_code error;
        const auto changed = std::filesystem::last_write_time(model.root() / file, error);
        if (error) fileWent(model.root() / file, error);
        latest = std::max(latest, changed);
    }
    return latest;
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
        m_speeds.get(m_options.version + "|" + machine.device.name, backend, m_options.threads,
                     compute, m_computing ? SpeedCache::Remember::No : SpeedCache::Remember::Yes);
    return machine;
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
void JobRunner::makeRoomFor(const Prepared& prepared, const WarmModels::Model* warm) {
    const size_t own = (warm ? warm->bytes() : 0) + m_startBytes; // is there already
    const size_t more = prepared.plan.peakBytes - std::min(own, prepared.plan.peakBytes);
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

pipelines::TextToImage& JobRunner::load(const Prepared& prepared, const EngineSink& sink,
                                        const CancelToken& cancel) {
    const WarmModels::Source source{prepared.model.path(), prepared.model.additions(),
                                    prepared.changed, prepared.compute};
    WarmModels::Model* warm = m_warm.find(source);
    makeRoomFor(prepared, warm);
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
    loaded.pipeline = std::make_unique<pipelines::TextToImage>(prepared.model, *loaded.device,
                                                               prepared.compute, events);
    if (const auto& unused = loaded.pipeline->unusedTensors(); !unused.empty())
        logMessage(LogLevel::Warning, prepared.entry.name + ": " + std::to_string(unused.size()) +
                                          " tensors were not used, " + unused.front() +
                                          " the first of them.");
    return *m_warm.add(std::move(loaded)).pipeline;
}

// What all pictures of the job have in common.
Provenance JobRunner::provenanceOf(const Prepared& prepared, const CancelToken& cancel) const {
    Provenance provenance;
    provenance.request = prepared.request;
    provenance.request.count = 1;
    provenance.request.batch = 0;
    provenance.request.previewEvery = 0;
    provenance.request.latentsPath.clear();
    provenance.request.latentsIndex = 0;
    provenance.request.saveLatentsPath.clear();
    provenance.request.initPath.clear();
    provenance.request.maskPath.clear();
    provenance.request.controlImages.clear();
    provenance.request.adapterImages.clear();
    provenance.modelName = prepared.entry.name;
    provenance.engineVersion = m_options.version;
    provenance.device = prepared.plan.deviceName;
    provenance.precision = prepared.plan.precision;
    provenance.threads = prepared.plan.threads;
    provenance.batch = prepared.plan.batch;
    provenance.latentsHash = inputHash(prepared.request.latentsPath, cancel);
    provenance.initHash = inputHash(prepared.request.initPath, cancel);
    provenance.maskHash = inputHash(prepared.request.maskPath, cancel);
    for (const std::string& path : prepared.request.controlImages)
        provenance.controlHashes.push_back(inputHash(path, cancel));
    for (const std::string& path : prepared.request.adapterImages)
        provenance.adapterHashes.push_back(inputHash(path, cancel));
    return provenance;
}

RunIdentity JobRunner::identityOf(const Prepared& prepared, const Provenance& provenance) {
    std::string inputs = provenance.latentsHash + provenance.initHash + provenance.maskHash;
    for (const auto* hashes : {&provenance.controlHashes, &provenance.adapterHashes})
        for (const std::string& hash : *hashes) inputs += hash;
    inputs += wordsHash(prepared.inputs.words);
    return {requestIdentity(prepared.request),
            provenance.engineVersion,
            provenance.device,
            provenance.precision,
            provenance.threads,
            filesIdentity(prepared.model),
            std::move(inputs)};
}

FinishedEvent JobRunner::compute(Prepared& prepared, const EngineSink& sink,
                                 const JobControl& control, JobCheckpoint& checkpoint) {
    const auto start = Clock::now();
    const CancelToken& cancel = control.cancel;
    const ImageRequest& request = prepared.request;
    Provenance provenance = provenanceOf(prepared, cancel);
    RunIdentity identity = identityOf(prepared, provenance);
    for (const auto& picture : prepared.pictures)
        identity.inputs += inputHash(picture.string(), cancel);
    const BackgroundHash modelHash(m_library, prepared.entry, prepared.companions);
    pipelines::TextToImage& pipeline = load(prepared, sink, cancel);
    // What is made in passes is short of a state that one of them could go on from.
    const pipelines::RunState* from =
        prepared.inPasses()
            ? nullptr
            : checkpoint.begin(std::move(identity), [&](const pipelines::RunState& state) {
                  pipeline.checkState(request, state);
              });
    if (checkpoint.resumed()) sink(*checkpoint.resumed());

    Reporter reporter(prepared, sink, std::move(provenance), modelHash, cancel);
    pipelines::TextToImageEvents events;
    events.loading = [&](const std::string& component, double fraction) {
        sink(LoadingEvent{component, fraction});
    };
    events.encoded = [&] { reporter.startSteps(); };
    events.state = [&](pipelines::RunMoment moment, const auto& state) {
        if (!prepared.inPasses()) checkpoint.offer(moment, state);
        control.leave.check();
    };
    events.step = [&](int64_t picture, int64_t step, int64_t steps) {
        reporter.stepDone(picture, step, steps);
    };
    events.preview = [&](int64_t picture, const kernels::Tensor& preview) {
        sink(PreviewEvent{picture, toImage(preview)});
    };
    events.picture = [&](int64_t picture, const kernels::Tensor& image) {
        reporter.pictureDone(picture, image);
    };
    events.stopAfterThis = [&] { return control.stopAfterThis.load(); };
    if (prepared.refiner)
        runWithRefiner(prepared, pipeline, sink, events, cancel);
    else if (request.hires)
        runSecondPass(prepared, pipeline, events);
    else
        pipeline.run(request, events, from, prepared.inputs);
    return {secondsSince(start), reporter.denoiseSeconds(), peakResidentBytes()};
}

} // namespace kinora::core
