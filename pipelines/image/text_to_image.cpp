#include "pipelines/image/text_to_image.h"

#include "kernels/base/error.h"
#include "pipelines/blocks/tiles.h"
#include "pipelines/image/background.h"
#include "pipelines/image/check_finite.h"
#include "pipelines/image/denoise_loop.h"
#include "pipelines/image/denoise_windows.h"
#include "pipelines/image/guided_prediction.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/run_preview.h"
#include "pipelines/image/size_condition.h"
#include "pipelines/schedulers/outdated_config.h"
#include "pipelines/vae/vae.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

namespace kinora::pipelines {

using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

constexpr double kGuidanceOff = 1.0; // at 1 the negative prompt has no weight and is not computed

int64_t picturesAtOnce(const ImageRequest& request) {
    return std::clamp<int64_t>(request.batch, 1, request.count);
}

std::optional<FreeU> freeUOf(const ImageRequest& request) {
    return request.freeU ? parseFreeU(*request.freeU) : std::nullopt;
}

// None where attention guidance is off.
std::vector<AttentionLayer> perturbedLayersOf(const ImageRequest& request) {
    if (request.pag.value_or(0) <= 0) return {};
    return parseAttentionLayers(request.pagLayers.value_or("mid")).value();
}

void offerState(RunMoment moment, const TextToImageEvents& events,
                const std::function<RunState()>& state) {
    if (events.state) events.state(moment, state);
}

} // namespace

TextToImage::TextToImage(const Model& model, kernels::Device& device, DType compute,
                         const TextToImageEvents& events)
    : m_model(model), m_device(device), m_compute(compute) {
    ComponentLoader loader(model, device, compute, events.loading);
    m_prompts = std::make_unique<PromptEncoder>(loader, device, compute);
    m_denoiser = makeDenoiser(model.config("unet"), model.configLabel("unet"), loader.open("unet"),
                              model.ipAdapters().size());
    m_vae = readVaeConfig(vaeConfig(), model.configLabel("vae"));
    m_decoder = makeVaeDecoder(vaeConfig(), model.configLabel("vae"), loader.open("vae"));
    m_unused = loader.unused();
    m_controls =
        std::make_unique<ControlNets>(model, m_vae.factor(), device, compute, events.loading);
    m_unused.insert(m_unused.end(), m_controls->unusedTensors().begin(),
                    m_controls->unusedTensors().end());
    checkComponentsAgree();
    m_kind = denoiserInput(m_denoiser->config(), m_vae);
}

// The reference's pipelines of SDXL alone give latents the mean and the deviation of a config.
nlohmann::json TextToImage::vaeConfig() const {
    nlohmann::json config = m_model.config("vae");
    if (m_denoiser->config().additionWidth == 0)
        for (const char* key : {"latents_mean", "latents_std"}) config.erase(key);
    return config;
}

void TextToImage::checkComponentsAgree() const {
    const auto refuse = [](const std::string& what) {
        throw Error(ErrorCode::BadFile, "The model's parts do not fit together: " + what + ".",
                    "Get the whole folder from one source.");
    };
    if (!m_denoiser->config().takesPrompts(m_prompts->width()))
        refuse("the text encoder gives " + std::to_string(m_prompts->width()) +
               " values a token, the denoiser expects " +
               std::to_string(m_denoiser->config().promptWidth));
    const int64_t pooled = m_prompts->pooledWidth(), addition = m_denoiser->config().additionWidth;
    if ((addition == 0) != (pooled == 0))
        refuse(addition == 0 ? "the text encoder gives a pooled prompt, the denoiser takes none"
                             : "the denoiser takes a pooled prompt, no text encoder gives one");
    const int64_t numbers = sizeNumbers();
    if (addition > 0 && ((numbers != kSizeNumbers && numbers != kScoreNumbers) ||
                         pooled + numbers * m_denoiser->config().additionNumberWidth != addition))
        refuse("the text encoder's pooled prompt has " + std::to_string(pooled) +
               " values, which leaves the denoiser no room for sizes in " +
               std::to_string(addition));
}

void TextToImage::run(const ImageRequest& request, const TextToImageEvents& events,
                      const RunState* from, const RunInputs& inputs,
                      std::optional<int64_t> promptCallsOfAll) {
    m_preview.reset();
    m_device.arena().trim(); // the peak is this run's own, whatever ran before
    if (from) checkState(request, *from, inputs.part);
    m_denoiser->checkAttends(perturbedLayersOf(request));
    const PictureStart start = pictureStart(request, inputs, events);
    if (events.preview && request.previewEvery > 0)
        m_preview = makePreviewDecoder(m_model, m_device, m_compute, inputs.preview);
    const ControlRun control = m_controls->begin(request, inputs);
    EncodedPrompts prompts =
        encodePrompts(request, promptCallsOfAll.value_or(promptCalls(request)), inputs);
    tellPictures(inputs, events, prompts);
    if (events.encoded) events.encoded();
    LatentsFile::Writer finalLatents(request.saveLatentsPath,
                                     from ? from->finalLatents : HostTensor{});
    for (int64_t first = from ? from->first : 0; first < request.count;
         first += picturesAtOnce(request)) {
        const bool interrupted = from && first == from->first;
        Batch batch = interrupted ? continueBatch(request, *from, start, inputs)
                                  : beginBatch(request, first, start, inputs);
        if (first > 0 && !interrupted)
            offerState(RunMoment::BatchBegins, events,
                       [&] { return stateOf(batch, finalLatents); });
        denoiseBatch(request, batch, prompts, start, control, finalLatents, events);
        if (inputs.part.ends()) {
            finalLatents.add(batch.latents);
            decode(request, first, batch.latents, events);
        } else if (events.handOver) {
            events.handOver({first, toHostTensor(batch.latents), batch.noise.state()});
        }
        if (events.stopAfterThis && events.stopAfterThis()) break;
    }
    finalLatents.finish();
}

EncodedPrompts TextToImage::encodePrompts(const ImageRequest& request, int64_t calls,
                                          const RunInputs& inputs) const {
    const bool distilled =
        m_denoiser->config().timeConditionWidth > 0; // guidance is an input, as in LCM
    const bool guided = *request.cfg > kGuidanceOff && !distilled;
    EncodedPrompts prompts =
        m_prompts->encode(request, guided ? Guidance::On : Guidance::Off, calls, inputs.words);
    if (m_denoiser->config().additionWidth == 0) return prompts;
    const auto add = [&](PromptEmbeddings& told, PromptSide side) {
        if (!told.pooled) return;
        std::vector<float> numbers;
        for (int64_t row = 0; row < told.pooled.dim(0); ++row)
            std::ranges::copy(sizeCondition(request, sizeNumbers(), side),
                              std::back_inserter(numbers));
        told.addition = m_denoiser->embedAddition(told.pooled, numbers);
        told.controlAdditions = m_controls->embedAdditions(told.pooled, numbers);
    };
    for (EncodedPrompts::Stage& stage : prompts.stages) {
        add(stage.negative, PromptSide::Negative);
        add(stage.positive, PromptSide::Positive);
    }
    return prompts;
}

// The picture encoder stays and goes as the VAE's (pictureStart).
void TextToImage::tellPictures(const RunInputs& inputs, const TextToImageEvents& events,
                               EncodedPrompts& prompts) {
    if (inputs.prompts.empty()) {
        m_pictures.reset();
        return;
    }
    if (!m_pictures)
        m_pictures =
            std::make_unique<PicturePrompts>(m_model, m_device, m_compute, [&](double fraction) {
                if (events.loading) events.loading("picture encoder", fraction);
            });
    const PicturePrompts::Told told = m_pictures->tell(inputs.prompts);
    for (EncodedPrompts::Stage& stage : prompts.stages) {
        stage.positive.pictures = told.positive;
        stage.negative.pictures = told.negative;
    }
}

// A sampler that calls twice in a step counts double, as in A1111; what calls once more at its
// beginning or less at its end does not.
int64_t TextToImage::promptCalls(const ImageRequest& request) const {
    return takenSteps(request) * schedulerFor(request)->callsPerStep();
}

int64_t TextToImage::sizeNumbers() const {
    const DenoiserConfig& config = m_denoiser->config();
    const int64_t values = config.additionWidth - m_prompts->pooledWidth();
    return config.additionWidth == 0 ? 0 : values / config.additionNumberWidth;
}

Shape TextToImage::latentShape(const ImageRequest& request, int64_t pictures) const {
    const int64_t factor = m_vae.factor();
    return {pictures, *request.height / factor, *request.width / factor, m_vae.latentChannels};
}

void TextToImage::checkInputs(const ImageRequest& request) const {
    if (!request.latentsPath.empty())
        LatentsFile::check(request.latentsPath, request.latentsIndex,
                           latentShape(request, request.count));
}

Tensor TextToImage::startNoise(const ImageRequest& request, int64_t first, int64_t pictures,
                               BatchNoise& noise) const {
    const Shape shape = latentShape(request, pictures);
    if (request.latentsPath.empty() || !m_device.hasNumbers())
        return noise.draw(m_device, shape[1], shape[2], shape[3]);
    return LatentsFile::read(request.latentsPath, m_device, request.latentsIndex + first, shape);
}

std::unique_ptr<Scheduler> TextToImage::schedulerFor(const ImageRequest& request) const {
    nlohmann::json config = m_model.config("scheduler");
    if (const SchedulerInfo* used = findScheduler(*request.sampler))
        correctOutdatedConfig(config, m_model.kind(), m_model.className("scheduler"),
                              used->className);
    if (request.prediction != "auto") config["prediction_type"] = request.prediction;
    return makeScheduler(*request.sampler, config, schedulerOptions(request, m_model));
}

// The encoder stays for the next run from a picture and goes with the first one from noise: a run's
// memory is the same whatever ran before.
PictureStart TextToImage::pictureStart(const ImageRequest& request, const RunInputs& inputs,
                                       const TextToImageEvents& events) {
    if (request.initPath.empty()) {
        if (!inputs.encodesLater) m_encoder.reset();
        return {};
    }
    if (!m_encoder) {
        const auto source = m_model.weights("vae");
        const double all = static_cast<double>(std::max<int64_t>(source->totalBytes(), 1));
        const Weights weights(*source, m_device, m_compute, [&](int64_t bytesRead) {
            if (events.loading) events.loading("encoder", static_cast<double>(bytesRead) / all);
        });
        m_encoder = makeVaeEncoder(vaeConfig(), m_model.configLabel("vae"), weights);
    }
    const auto encode = [&](const Tensor& picture) {
        Tensor moments = request.tiling == "on"
                             ? runTiled(picture, Tiling{}, 1, m_vae.factor(),
                                        m_vae.encodedChannels(), std::cref(*m_encoder))
                             : (*m_encoder)(picture);
        checkFinite(moments, "The VAE's encoder", m_compute);
        return moments;
    };
    return {m_kind, inputs, m_vae, encode, extras().alpha, m_device};
}

int TextToImage::firstCall(const ImageRequest& request, const Scheduler& scheduler) const {
    return static_cast<int>(*request.steps - takenSteps(request)) * scheduler.callsPerStep();
}

CallRange TextToImage::callRange(const ImageRequest& request, const Scheduler& scheduler,
                                 const RunPart& part) const {
    const int64_t training =
        m_model.config("scheduler").value("num_train_timesteps", int64_t{1000});
    CallRange range = callsOf(scheduler, part, training);
    if (part.begins()) range.first = firstCall(request, scheduler);
    if (range.first < range.end) return range;
    throw Error(ErrorCode::InvalidArgument, "No step is left for one of the two models.",
                "Raise the strength, or hand over later.");
}

int64_t TextToImage::callsIn(const ImageRequest& request, const RunPart& part) const {
    const CallRange range = callRange(request, *schedulerFor(request), part);
    return range.end - range.first;
}

void TextToImage::takeBegun(const ImageRequest& request, Batch& batch,
                            const RunInputs& inputs) const {
    const Shape shape = latentShape(request, batch.noise.pictures());
    if (!m_device.hasNumbers()) {
        batch.latents = m_device.empty(shape, DType::F32);
        return;
    }
    const auto begun = std::ranges::find(inputs.begun, batch.first, &BegunBatch::first);
    if (begun == inputs.begun.end() || begun->latents.shape != shape)
        throw Error(ErrorCode::Internal,
                    "The first model did not leave what the second goes on with.");
    batch.latents = toTensor(begun->latents, m_device);
    batch.noise.restore(begun->noise);
}

TextToImage::Batch TextToImage::beginBatch(const ImageRequest& request, int64_t first,
                                           const PictureStart& start,
                                           const RunInputs& inputs) const {
    const int64_t pictures = std::min(picturesAtOnce(request), request.count - first);
    Batch batch{first,
                schedulerFor(request),
                {request.noise, static_cast<uint64_t>(*request.seed + first), pictures},
                {},
                {},
                0,
                {}};
    batch.range = callRange(request, *batch.scheduler, inputs.part);
    const int call = batch.range.first;
    batch.calls = call;
    if (!inputs.part.begins()) {
        takeBegun(request, batch, inputs);
        return batch;
    }
    batch.start = start.begin(*batch.scheduler, call, request.strength.value_or(1), batch.noise,
                              [&] { return startNoise(request, first, pictures, batch.noise); });
    batch.latents = std::move(batch.start.latents);
    return batch;
}

// What the batch began with is made again, as it was drawn; latents and what the sampler remembers
// are those of the state.
TextToImage::Batch TextToImage::continueBatch(const ImageRequest& request, const RunState& from,
                                              const PictureStart& start,
                                              const RunInputs& inputs) const {
    Batch batch = beginBatch(request, from.first, start, inputs);
    batch.latents = toTensor(from.latents, m_device);
    batch.calls = from.calls;
    batch.noise.restore(from.noise);
    restoreHistory(from, *batch.scheduler, m_device);
    return batch;
}

void TextToImage::checkState(const ImageRequest& request, const RunState& from,
                             const RunPart& part) const {
    const int64_t atOnce = picturesAtOnce(request);
    if (from.first < 0 || from.first >= request.count || from.first % atOnce != 0 ||
        from.pictures != std::min(atOnce, request.count - from.first))
        refuseState("picture " + std::to_string(from.first) + " does not begin a batch of " +
                    std::to_string(from.pictures));
    const Shape shape = latentShape(request, from.pictures);
    const auto scheduler = schedulerFor(request);
    pipelines::checkState(from, shape, *scheduler);
    const CallRange range = callRange(request, *scheduler, part);
    if (from.calls < range.first)
        refuseState("it has done " + std::to_string(from.calls) + " steps, and began later");
    if (from.calls > range.end)
        refuseState("it has done " + std::to_string(from.calls) + " steps, and its part ends at " +
                    std::to_string(range.end));
    BatchNoise(request.noise, 0, from.pictures).restore(from.noise);
    const bool saved = !request.saveLatentsPath.empty() && from.first > 0;
    if (saved)
        checkTensor(from.finalLatents, Shape{from.first, shape[3], shape[1], shape[2]},
                    "the latents of earlier pictures");
    else if (from.finalLatents.defined())
        refuseState("it has latents of earlier pictures");
}

int64_t TextToImage::checkBegun(const ImageRequest& request, std::span<const BegunBatch> begun,
                                int64_t first) const {
    const int64_t atOnce = picturesAtOnce(request);
    for (const BegunBatch& batch : begun) {
        if (batch.first != first || first >= request.count)
            refuseState("a batch begins with picture " + std::to_string(batch.first));
        const int64_t pictures = std::min(atOnce, request.count - first);
        checkTensor(batch.latents, latentShape(request, pictures), "the latents of a batch");
        BatchNoise(request.noise, 0, pictures).restore(batch.noise);
        first += pictures;
    }
    return first;
}

RunState TextToImage::stateOf(const Batch& batch, const LatentsFile::Writer& finalLatents) {
    return {batch.first,
            batch.latents.dim(0),
            batch.calls,
            toHostTensor(batch.latents),
            historyOf(*batch.scheduler),
            batch.scheduler->memory().stepsTaken,
            batch.noise.state(),
            finalLatents.collected()};
}

void TextToImage::denoiseBatch(const ImageRequest& request, Batch& batch,
                               const EncodedPrompts& prompts, const PictureStart& start,
                               const ControlRun& control, const LatentsFile::Writer& finalLatents,
                               const TextToImageEvents& events) const {
    const int64_t before = batch.range.first;                            // calls that are left out
    const int64_t firstOfPrompts = firstCall(request, *batch.scheduler); // as the whole run has it
    const auto state = [&] { return stateOf(batch, finalLatents); };
    const int64_t calls = batch.range.end;
    const std::optional<FreeU> freeU = freeUOf(request);
    const std::vector<AttentionLayer> perturbed = perturbedLayersOf(request);
    denoise(
        *batch.scheduler, batch.noise, batch.latents, batch.calls, calls, m_compute,
        [&](const Tensor& input, double timestep) {
            return predict({*m_denoiser, m_device, request, prompts, batch.start.channels,
                            start.isEdit(), control, batch.scheduler->callCount() - firstOfPrompts,
                            freeU, perturbed},
                           batch.calls - firstOfPrompts, input, timestep);
        },
        [&](const Tensor& latents, int nextCall) {
            return start.keep(batch.start, latents, *batch.scheduler, nextCall);
        },
        [&](int64_t done, const Tensor& latents) {
            batch.calls = done;
            batch.latents = latents;
            offerState(done == calls ? RunMoment::BeforeDecoding : RunMoment::Step, events, state);
            if (events.step) events.step(batch.first, done - before, calls - before);
            if (done < calls) preview(request, batch, events);
        });
}

// In windows where the request says so.
Tensor TextToImage::predict(const GuidedDenoiser& how, int64_t call, const Tensor& input,
                            double timestep) const {
    if (!how.request.denoiseTile) return predictGuided(how, call, input, timestep);
    const int64_t factor = m_vae.factor(), tile = *how.request.denoiseTile;
    const auto windows = windowsOf(
        input.dim(1), input.dim(2),
        {.side = tile / factor, .stride = how.request.denoiseStride.value_or(tile / 2) / factor});
    return predictInWindows(input, windows, [&](const Tensor& part, const Window& window) {
        const bool cuts = how.channels && windows.size() > 1;
        const Tensor channels = cuts ? cutWindow(how.channels, window) : how.channels;
        const ControlRun control = m_controls->within(how.control, window);
        return predictGuided({how.denoiser, how.device, how.request, how.prompts, channels,
                              how.edits, control, how.calls, how.freeU, how.perturbedLayers},
                             call, part, timestep);
    });
}

void TextToImage::preview(const ImageRequest& request, const Batch& batch,
                          const TextToImageEvents& events) const {
    if (m_preview && batch.calls % request.previewEvery == 0)
        events.preview(batch.first, (*m_preview)(batch.scheduler->denoised().slice(0, 1)));
}

Tensor TextToImage::decodeOne(const ImageRequest& request, const Tensor& latents) const {
    if (request.tiling != "on") return (*m_decoder)(latents);
    return runTiled(latents, Tiling{}, m_vae.factor(), 1, m_vae.outChannels, std::cref(*m_decoder));
}

void TextToImage::decode(const ImageRequest& request, int64_t first, const Tensor& latents,
                         const TextToImageEvents& events) const {
    for (int64_t picture = 0; picture < latents.dim(0); ++picture) {
        // One at a time: decoding needs the most memory, and gains nothing from a batch.
        Tensor image = decodeOne(request, latents.slice(picture, picture + 1));
        checkFinite(image, "The VAE", m_compute);
        image = image.reshape(Shape{image.dim(1), image.dim(2), image.dim(3)});
        if (m_device.hasNumbers() && events.picture)
            events.picture(first + picture, finishPicture(request, image));
    }
}

Tensor TextToImage::finishPicture(const ImageRequest& request, const Tensor& image) const {
    std::vector<float> pixels = m_device.toHost<float>(image);
    for (float& value : pixels) value = std::clamp(value / 2 + 0.5f, 0.0f, 1.0f);
    Shape shape = image.shape();
    if (shape.last() == 4) {
        if (extras().alpha == AlphaMeaning::OverWhite) uncompositeOverWhite(pixels);
        if (const auto color = parseBackground(request.background)) {
            std::vector<float> opaque(pixels.size() / 4 * 3);
            compositeOver(pixels, *color, opaque);
            pixels = std::move(opaque);
            shape = shape.with(-1, 3);
        }
    }
    return m_device.fromHost(pixels.data(), shape, DType::F32);
}

} // namespace kinora::pipelines
