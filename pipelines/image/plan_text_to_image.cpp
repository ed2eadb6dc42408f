#include "pipelines/image/plan_text_to_image.h"

#include "kernels/base/error.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/run_inputs.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace kinora::pipelines {

using kernels::DType;

namespace {

// A network as narrow as a small autoencoder's reaches about half of the rates that a device's
// speed was measured at (tests/bench/preview_cost.cpp).
constexpr double kNarrow = 2;

constexpr const char* kSteers = "net:1"; // its weight is 1, in all of the run

std::string gigabytes(size_t bytes) {
    const auto tenths = static_cast<int64_t>(static_cast<double>(bytes) / 1e8 + 0.5);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GB";
}

// Of a run from a picture the first steps are left out.
int64_t stepsIn(const ImageRequest& request, const RunPart& part) {
    const auto all = static_cast<double>(*request.steps);
    const double begins = 1 - static_cast<double>(takenSteps(request)) / all;
    return std::llround(std::max(std::min(part.to, 1.0) - std::max(part.from, begins), 0.0) * all);
}

} // namespace

DType choosePrecision(const std::string& precision, const kernels::BackendTable& backend,
                      int ordinal, const kernels::DeviceDescription& device) {
    if (precision == "f32") return DType::F32;
    if (precision == "auto") return device.fastBf16 ? DType::BF16 : DType::F32;
    if (precision == "bf16" && backend.supports(ordinal, DType::BF16) == kernels::Status::Ok)
        return DType::BF16;
    throw Error(ErrorCode::Unsupported,
                "precision: " + precision + " is not something this device computes in.",
                "Use auto, f32 or bf16.");
}

TextToImagePlanner::TextToImagePlanner(const Model& model, const kernels::BackendTable& meta,
                                       DType compute, int threads)
    : m_device(std::make_unique<kernels::Device>(meta, kernels::DeviceOptions{.threads = threads})),
      m_pipeline(model, *m_device, compute),
      m_loadingPeakBytes(m_device->arena().stats().peakReservedBytes) {}

// One batch of a few steps: enough for a scheduler's history to reach its full length, after which
// every step is the same.
TextToImagePlanner::Measured TextToImagePlanner::measure(ImageRequest request,
                                                         const DeviceSpeed& speed) {
    constexpr int64_t kSteps = 5; // PNDM and LMS remember four predictions beside the newest
    const int64_t promptCalls = m_pipeline.promptCalls(request);
    const int64_t all = takenSteps(request), taken = std::min(all, kSteps);
    const int64_t previewEvery = request.previewEvery;
    request.count = std::clamp<int64_t>(request.batch, 1, request.count);
    request.batch = request.count;
    const int64_t leftOut = *request.steps - all; // a sampler may ask for so many steps in all
    request.steps = taken + leftOut;
    if (leftOut > 0)
        request.strength =
            (static_cast<double>(taken) + 0.5) / static_cast<double>(taken + leftOut);
    // What steers does so in each of the few steps: the peak is right, and time if anything long.
    for (std::vector<std::string>* nets : {&request.controls, &request.adapters})
        for (std::string& net : *nets) net = kSteers;
    request.seed = 0;
    request.saveLatentsPath.clear();
    // After each step, where there are any: memory is that of one.
    request.previewEvery = previewEvery > 0 && previewEvery < promptCalls ? 1 : 0;

    Measured measured;
    const auto lap = [&] {
        const double seconds = predictSeconds(m_device->stopRecording(), speed);
        m_device->startRecording();
        return seconds;
    };
    TextToImageEvents events;
    events.encoded = [&] { measured.textSeconds = lap(); };
    // Of a step, which some samplers take in two calls.
    events.step = [&](int64_t, int64_t, int64_t) {
        measured.stepSeconds += lap() / static_cast<double>(taken);
    };
    double previews = 0;
    events.preview = [&](int64_t, const kernels::Tensor&) {
        measured.previewSeconds += lap();
        ++previews;
    };
    m_device->arena().trim(); // as a run does, so that the peak is its own
    m_device->arena().resetPeaks();
    m_device->startRecording();
    RunInputs inputs = inputShapes(request);
    inputs.words = m_words;
    inputs.preview = m_preview;
    m_pipeline.run(request, events, nullptr, inputs, promptCalls);
    measured.decodeSeconds = predictSeconds(m_device->stopRecording(), speed);
    if (previews > 0)
        measured.previewSeconds *= (m_preview.kind == PreviewKind::Tiny ? kNarrow : 1) *
                                   static_cast<double>(promptCalls) /
                                   static_cast<double>(all * previewEvery) / previews;
    measured.weightBytes = m_device->weightBytes();
    measured.arenaBytes = std::max(m_loadingPeakBytes, m_device->arena().stats().peakReservedBytes);
    return measured;
}

std::string TextToImagePlanner::largestThatFits(const ImageRequest& request,
                                                const Machine& machine) {
    constexpr int64_t kMultiple = 64; // of pixels: what every VAE factor divides
    ImageRequest smaller = request;
    smaller.batch = 1;
    for (int64_t sixteenths = 16; sixteenths >= 1; --sixteenths) {
        const auto shrink = [&](int64_t size) {
            return std::max(size * sixteenths / 16 / kMultiple * kMultiple,
                            std::min(size, kMultiple));
        };
        smaller.width = shrink(*request.width);
        smaller.height = shrink(*request.height);
        const Measured measured = measure(smaller, machine.speed);
        if (machine.programBytes + measured.weightBytes + measured.arenaBytes <=
            machine.device.freeMemoryBytes)
            return "What would fit: " + std::to_string(*smaller.width) + " x " +
                   std::to_string(*smaller.height) + ", one picture at a time.";
    }
    return "The model itself is too large for this machine.";
}

PreviewChoice TextToImagePlanner::choosePreview(const ImageRequest& request, const Machine& machine,
                                                PreviewChoice tiny) {
    const int64_t longerSide = std::max(*request.width, *request.height);
    tiny.pooling = poolingFor(longerSide);
    if (request.preview == "tiny") return tiny;
    m_words.clear(); // they change no sizes
    m_preview = tiny;
    const Measured measured = measure(request, machine.speed);
    const auto pooling = cheapPooling(longerSide, measured.previewSeconds / measured.stepSeconds);
    if (!pooling) return {};
    tiny.pooling = *pooling;
    return tiny;
}

Plan TextToImagePlanner::plan(ImageRequest request, const Machine& machine,
                              const std::vector<LearntWord>& words, const RunPart& part,
                              const PreviewChoice& preview) {
    m_words = words;
    m_preview = preview;
    m_pipeline.checkInputs(request);
    Plan plan;
    plan.device = machine.backend;
    plan.deviceName = machine.device.name;
    plan.threads = machine.threads;
    plan.precision = kernels::dtypeName(m_pipeline.compute());
    plan.batch = std::clamp<int64_t>(request.batch, 1, request.count);
    plan.width = *request.width;
    plan.height = *request.height;
    plan.steps = stepsIn(request, part);
    plan.count = request.count;
    plan.availableBytes = machine.device.freeMemoryBytes;

    const int64_t previewEvery = std::exchange(request.previewEvery, 0);
    Measured measured = measure(request, machine.speed);
    const auto peakOf = [&] {
        return machine.programBytes + measured.weightBytes + measured.arenaBytes;
    };
    plan.tiling = request.tiling == "on" ? "vae" : "none";
    if (request.tiling == "auto" && peakOf() > plan.availableBytes) {
        request.tiling = "on";
        const Measured tiled = measure(request, machine.speed);
        if (tiled.arenaBytes < measured.arenaBytes) { // where the VAE was what took so much
            measured = tiled;
            plan.tiling = "vae";
        }
    }
    if (previewEvery > 0) {
        request.previewEvery = previewEvery;
        measured = measure(request, machine.speed);
        if (m_pipeline.hasPreviews())
            plan.preview = preview.kind == PreviewKind::Tiny ? "tiny" : "fast";
    }
    plan.weightBytes = measured.weightBytes;
    plan.peakBytes = peakOf();
    plan.secondsPerStep = measured.stepSeconds + measured.previewSeconds;
    const auto batches = static_cast<double>((plan.count + plan.batch - 1) / plan.batch);
    plan.seconds = static_cast<double>(measured.weightBytes) / machine.bytesReadPerSecond +
                   measured.textSeconds +
                   batches * plan.secondsPerStep * static_cast<double>(plan.steps) +
                   (part.ends() ? batches * measured.decodeSeconds : 0);
    plan.fits = plan.peakBytes <= plan.availableBytes;
    if (!plan.fits)
        plan.advice = "It needs " + gigabytes(plan.peakBytes) + " of memory and " +
                      gigabytes(plan.availableBytes) + " are free. " +
                      largestThatFits(request, machine);
    return plan;
}

} // namespace kinora::pipelines
