// Pictures that are made in passes: with a refiner, or larger in a second pass.

#include "core/engine/input_pictures.h"
#include "core/engine/job_runner.h"
#include "core/library/open_model.h"
#include "kernels/base/error.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/vae/vae.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kinora::core {

using pipelines::ImageRequest;
using pipelines::RunPart;
using pipelines::TextToImageEvents;

namespace {

pipelines::VaeConfig vaeOf(const pipelines::Model& model) {
    return pipelines::readVaeConfig(model.config("vae"), model.configLabel("vae"));
}

// Latents mean the same to both.
void checkLatentsAgree(const pipelines::Model& base, const ModelEntry& entry,
                       const pipelines::Model& refiner) {
    const pipelines::VaeConfig one = vaeOf(base), other = vaeOf(refiner);
    if (one.latentChannels == other.latentChannels && one.factor() == other.factor() &&
        one.scalingFactor == other.scalingFactor)
        return;
    throw Error(ErrorCode::Unsupported,
                entry.name + ": cannot refine what this model makes: its latents are of another "
                             "kind.",
                "Use a model and a refiner of one family.");
}

// Steps count on over both passes.
TextToImageEvents counted(const TextToImageEvents& events, int64_t picture, int64_t before,
                          int64_t all) {
    TextToImageEvents own = events;
    if (events.step)
        own.step = [&events, picture, before, all](int64_t first, int64_t step, int64_t) {
            events.step(picture + first, before + step, all);
        };
    if (events.preview)
        own.preview = [&events, picture](int64_t first, kernels::Tensor preview) {
            events.preview(picture + first, std::move(preview));
        };
    return own;
}

} // namespace

std::unique_ptr<JobRunner::Prepared> JobRunner::prepareRefiner(const Prepared& base,
                                                               const Companions& companions) {
    Result<ModelEntry> entry = m_library.find(companions.refiner->string());
    if (!entry) throw entry.error();
    if (!entry->problem.empty())
        throw Error(ErrorCode::BadFile, entry->name + ": " + entry->problem);
    pipelines::Model model = openModel(entry->path);
    if (companions.vae) model.replaceVae(pipelines::ExternalVae(*companions.vae));
    checkLatentsAgree(base.model, *entry, model);
    ImageRequest request = base.request;
    request.model = entry->name;
    request.refiner.reset();
    request.prediction = "auto"; // what was said of the base model
    // What was put into the base model is not in this one.
    for (auto* own :
         {&request.loras, &request.controls, &request.controlImages, &request.controlPrepare,
          &request.adapters, &request.adapterImages, &request.adapterPrepare})
        own->clear();
    request.ipAdapters.clear();
    request.imageEncoder.reset();
    request = pipelines::resolveRequest(request, model);
    pipelines::RunInputs inputs;
    for (const pipelines::LearntWord& word : base.inputs.words)
        if (word.vectors.fits(model)) inputs.words.push_back(word);
    const auto changed = lastChange(model);
    pipelines::Plan plan =
        plannerOf(m_refinerPlanner, model, changed, base.compute)
            .plan(request, machine(base.compute), inputs.words, {.from = *base.request.refinerAt});
    return std::make_unique<Prepared>(Prepared{std::move(*entry),
                                               std::move(model),
                                               changed,
                                               std::move(request),
                                               std::move(inputs),
                                               base.compute,
                                               std::move(plan),
                                               {},
                                               {}});
}

void JobRunner::runWithRefiner(const Prepared& prepared, pipelines::TextToImage& base,
                               const EngineSink& sink, const TextToImageEvents& events,
                               const CancelToken& cancel) {
    const ImageRequest& request = prepared.request;
    const RunPart first{.to = *request.refinerAt}, second{.from = *request.refinerAt};
    const int64_t before = base.callsIn(request, first);
    const int64_t all = before + base.callsIn(request, second);
    pipelines::RunInputs rest = prepared.refiner->inputs;
    rest.part = second;
    {
        TextToImageEvents own = counted(events, 0, 0, all);
        own.handOver = [&](pipelines::BegunBatch batch) { rest.begun.push_back(std::move(batch)); };
        pipelines::RunInputs inputs = prepared.inputs;
        inputs.part = first;
        base.run(request, own, nullptr, inputs);
    }
    ImageRequest finishing = prepared.refiner->request;
    // Where a person ended the job after a batch, the others were not begun.
    const auto done = static_cast<int64_t>(rest.begun.size()) * std::max<int64_t>(request.batch, 1);
    finishing.count = std::min(finishing.count, done);
    pipelines::TextToImage& refiner = load(*prepared.refiner, sink, cancel);
    TextToImageEvents own = counted(events, 0, before, all);
    if (finishing.count < request.count) own.stopAfterThis = {}; // that is what it was for
    refiner.run(finishing, own, nullptr, rest);
}

void JobRunner::runSecondPass(const Prepared& prepared, pipelines::TextToImage& pipeline,
                              const TextToImageEvents& events) {
    const ImageRequest& request = prepared.request;
    ImageRequest first = request;
    first.count = 1;
    first.saveLatentsPath.clear();
    first.background = "transparent"; // the second pass lays it on what was asked for
    for (int64_t picture = 0; picture < request.count; ++picture) {
        first.seed = *request.seed + picture;
        first.latentsIndex = request.latentsIndex + picture;
        ImageRequest second = pipelines::hiresRequest(first, vaeOf(prepared.model).factor());
        second.saveLatentsPath = request.saveLatentsPath;
        second.background = request.background;
        const int64_t before = pipeline.callsIn(first, {});
        const int64_t all = before + pipeline.callsIn(second, {});
        pipelines::RunInputs inputs = prepared.secondInputs;
        TextToImageEvents own = counted(events, picture, 0, all);
        own.picture = [&](int64_t, const kernels::Tensor& image) {
            inputs.init = scaledPicture({image.shape(), image.device().toHost<float>(image)},
                                        *second.width, *second.height);
        };
        pipeline.run(first, own, nullptr, prepared.inputs);
        own = counted(events, picture, before, all);
        own.picture = [&](int64_t, const kernels::Tensor& image) {
            if (events.picture) events.picture(picture, image);
        };
        pipeline.run(second, own, nullptr, inputs);
        if (events.stopAfterThis && events.stopAfterThis()) break;
    }
}

} // namespace kinora::core
