#include "core/engine/passes/plan_passes.h"

#include "kernels/base/error.h"
#include "pipelines/image/background.h"
#include "pipelines/image/denoiser_input.h"
#include "pipelines/image/latents_file.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/upscale/upscaler.h"
#include "pipelines/vae/vae.h"

#include <algorithm>
#include <map>
#include <utility>

namespace kinora::core {

using pipelines::ImageRequest;
using pipelines::Plan;
using pipelines::RunInputs;

namespace {

pipelines::VaeConfig vaeOf(const pipelines::Model& model) {
    return pipelines::readVaeConfig(model.config("vae"), model.configLabel("vae"));
}

// A refiner goes on from another model's latents, and has neither a mask nor a picture to edit.
void checkNeedsLatentsAlone(const PassModel& refiner) {
    const auto denoiser = pipelines::readDenoiserConfig(refiner.model.config("unet"),
                                                        refiner.model.configLabel("unet"));
    const pipelines::DenoiserInput input = denoiserInput(denoiser, vaeOf(refiner.model));
    if (input == pipelines::DenoiserInput::Latents) return;
    throw Error(ErrorCode::Unsupported,
                refiner.name + ": cannot refine: it is " +
                    (input == pipelines::DenoiserInput::Picture
                         ? "made to edit pictures by instruction."
                         : "an inpainting model, made for parts of pictures."),
                "Use one that makes pictures from texts: the SDXL refiner with SDXL, "
                "or another model of this one's family.");
}

// Latents mean the same to both.
void checkLatentsAgree(const PassModel& base, const PassModel& refiner) {
    const pipelines::VaeConfig one = vaeOf(base.model), other = vaeOf(refiner.model);
    if (one.latentChannels == other.latentChannels && one.factor() == other.factor() &&
        one.scalingFactor == other.scalingFactor && one.latentMeans == other.latentMeans &&
        one.latentDeviations == other.latentDeviations)
        return;
    throw Error(ErrorCode::Unsupported,
                refiner.name + ": cannot refine what this model makes: its latents are of another "
                               "kind.",
                "Use a model and a refiner of one family.");
}

void checkPictureGoesOn(const pipelines::Model& model) {
    const int64_t channels = vaeOf(model).outChannels;
    if (channels == 3 || channels == 4) return;
    throw Error(ErrorCode::Unsupported,
                "This model's pictures have " + std::to_string(channels) +
                    " channels; a second pass needs three or four.",
                "Leave out --hires.");
}

// What was put into the base model, or said of it, is not in this one.
ImageRequest refinerRequest(const ImageRequest& base, const PassModel& refiner) {
    ImageRequest request = base;
    request.model = refiner.name;
    request.refiner.reset();
    request.prediction = "auto";
    for (auto* own :
         {&request.loras, &request.controls, &request.controlImages, &request.controlPrepare,
          &request.adapters, &request.adapterImages, &request.adapterPrepare, &request.ipAdapters})
        own->clear();
    request.imageEncoder.reset();
    request.initPath.clear();
    request = pipelines::resolveRequest(request, refiner.model);
    request.strength = base.strength; // of the steps these are the last, however many were taken
    return request;
}

// Pictures outside of the arena, while the arena keeps what the run took: as values of the
// device's, as what is handed on, in the sink's copy, and as bytes of a file. Measured from 512 x
// 512 to 1024 x 1024, in processes of their own: 57 bytes a pixel of what is made, as many of what
// it begins from.
size_t hostBytesOf(const Pass& pass) {
    constexpr size_t kPerPixel = 60, kGuidePerPixel = 3 * sizeof(float);
    const auto pixels = static_cast<size_t>(*pass.request.width * *pass.request.height);
    const bool begins = pass.takes == Takes::Picture || pass.inputs.init.defined();
    const size_t guides = pass.inputs.controls.size() + pass.inputs.adapters.size();
    return pixels * (kPerPixel * (begins ? 2 : 1) + kGuidePerPixel * guides);
}

class PassList {
  public:
    PassList(const ImageRequest& request, const Companions& companions, const PassPlanning& with)
        : m_request(request), m_companions(companions), m_with(with) {
        m_prompts = pipelines::inputShapes(request).prompts;
        for (size_t i = 0; i < m_prompts.size(); ++i)
            m_prompts[i].picture =
                pictureForClip(companions.pictures.at(i), companions.pictureSide);
    }

    JobPasses made() {
        if (m_request.refiner)
            addRefiner();
        else if (m_request.hires)
            addHires();
        else
            add(m_request, {});
        for (Pass& pass : m_passes.list) plan(pass);
        return std::move(m_passes);
    }

  private:
    Pass& add(const ImageRequest& request, const pipelines::RunPart& part) {
        Pass pass;
        pass.request = request;
        pass.inputs = m_with.pictures.scaledTo(*request.width, *request.height);
        pass.inputs.words = m_companions.words;
        pass.inputs.prompts = m_prompts;
        pass.inputs.part = part;
        return m_passes.list.emplace_back(std::move(pass));
    }

    // All batches with the one model, then all with the other: of the two one at a time has to be
    // in memory.
    void addRefiner() {
        const PassModel &base = m_with.models.at(0), &refiner = m_with.models.at(1);
        checkNeedsLatentsAlone(refiner);
        checkLatentsAgree(base, refiner);
        const double handOver = *m_request.refinerAt;
        Pass& first = add(m_request, {.to = handOver});
        first.request.saveLatentsPath.clear();
        Pass second;
        second.model = 1;
        second.request = refinerRequest(m_request, refiner);
        for (const pipelines::LearntWord& word : m_companions.words)
            if (word.vectors.fits(refiner.model)) second.inputs.words.push_back(word);
        second.inputs.part = {.from = handOver};
        second.takes = Takes::Latents;
        m_passes.list.push_back(std::move(second));
    }

    // Picture by picture: made, enlarged, and made again from that.
    void addHires() {
        const pipelines::Model& model = m_with.models.at(0).model;
        checkPictureGoesOn(model);
        checkLatents(vaeOf(model));
        m_passes.rounds = m_request.count;
        ImageRequest one = m_request;
        one.count = 1;
        Pass& first = add(one, {});
        first.request.saveLatentsPath.clear();
        first.request.background = "transparent"; // the second lays it on what was asked for
        first.inputs.encodesLater = true;
        if (m_companions.hiresUpscaler)
            first.enlarge = PictureEnlargement{*m_companions.hiresUpscaler, {}, false};
        Pass& second = add(pipelines::hiresRequest(one, vaeOf(model).factor()), {});
        second.takes = Takes::Picture;
    }

    // Each round looks at its own of them alone.
    void checkLatents(const pipelines::VaeConfig& vae) const {
        if (m_request.latentsPath.empty()) return;
        pipelines::LatentsFile::check(m_request.latentsPath, m_request.latentsIndex,
                                      {m_request.count, *m_request.height / vae.factor(),
                                       *m_request.width / vae.factor(), vae.latentChannels});
    }

    void plan(Pass& pass) {
        pipelines::TextToImagePlanner& planner = m_with.models.at(pass.model).planner;
        const bool isLast = &pass == &m_passes.list.back();
        if (isLast && pass.request.pasteBack == "on") pass.paste = pasteBackOf(pass);
        if (isLast && m_companions.upscaler)
            pass.enlarge = PictureEnlargement{*m_companions.upscaler, {}, true};
        pass.calls = planner.callsIn(pass.request, pass.inputs.part);
        if (const auto& tiny = m_with.models.at(pass.model).tinyPreview)
            pass.inputs.preview = planner.choosePreview(pass.request, m_with.machine, *tiny);
        planRun(pass);
        const bool isForced = pass.request.preview == "tiny";
        if (!pass.plan.fits && !isForced &&
            pass.inputs.preview.kind == pipelines::PreviewKind::Tiny) {
            pass.inputs.preview = {};
            planRun(pass);
        }
        if (pass.enlarge) planEnlargement(pass);
    }

    void planRun(Pass& pass) const {
        pipelines::Machine machine = m_with.machine;
        machine.programBytes += hostBytesOf(pass);
        pass.plan = m_with.models.at(pass.model)
                        .planner.plan(pass.request, machine, pass.inputs.words, pass.inputs.part,
                                      pass.inputs.preview);
    }

    PasteBack pasteBackOf(const Pass& pass) const {
        PasteBack paste{.blurPixels = static_cast<double>(pass.request.maskBlur.value_or(0))};
        const bool hasAlpha = vaeOf(m_with.models.at(pass.model).model).outChannels == 4;
        if (const auto color = pipelines::parseBackground(pass.request.background);
            color && hasAlpha)
            paste.behind = *color;
        return paste;
    }

    void planEnlargement(Pass& pass) const {
        const bool opaque = pipelines::parseBackground(pass.request.background).has_value();
        const int64_t stored = vaeOf(m_with.models.at(pass.model).model).outChannels;
        const int channels = stored == 2 || (stored == 4 && !opaque) ? 4 : 3;
        UpscaleOptions options;
        options.upscaler = pass.enlarge->upscaler;
        options.precision = std::string(kernels::dtypeName(m_with.compute));
        options.tile = pipelines::Upscaler::kUsualTile; // the same, however much memory is free
        options.threads = m_with.machine.threads;
        options.speed = m_with.machine.speed;
        const Result<UpscalePlan> measured = measureUpscale(m_with.backends,
                                                            {static_cast<int>(*pass.request.width),
                                                             static_cast<int>(*pass.request.height),
                                                             channels,
                                                             {}},
                                                            options);
        if (!measured) throw measured.error();
        pass.enlarge->plan = *measured;
        Plan& plan = pass.plan; // the model stays loaded beside it
        plan.peakBytes = std::max(plan.peakBytes, m_with.machine.programBytes + plan.weightBytes +
                                                      measured->addedBytes);
        if (plan.fits && plan.peakBytes > plan.availableBytes) {
            plan.fits = false;
            plan.advice = "There is not enough memory for the upscaler beside the model. Leave it "
                          "out; kinora upscale makes pictures larger on their own.";
        }
    }

    const ImageRequest& m_request;
    const Companions& m_companions;
    const PassPlanning& m_with;
    std::vector<RunInputs::Prompt> m_prompts;
    JobPasses m_passes;
};

// Of one picture in a pass: its steps, tiles among them, and their time.
struct Steps {
    int64_t count = 0;
    double seconds = 0;
};
Steps stepsOf(const Pass& pass) {
    Steps steps{pass.plan.steps, pass.plan.secondsPerStep * static_cast<double>(pass.plan.steps)};
    if (!pass.enlarge) return steps;
    steps.count += pass.enlarge->plan.tiles;
    steps.seconds +=
        pass.enlarge->plan.secondsPerTile * static_cast<double>(pass.enlarge->plan.tiles);
    return steps;
}

// Of all pictures that the pass makes in one round, the model being loaded.
double secondsOf(const Pass& pass, const pipelines::Machine& machine) {
    double seconds =
        pass.plan.seconds - static_cast<double>(pass.plan.weightBytes) / machine.bytesReadPerSecond;
    if (pass.enlarge)
        seconds += static_cast<double>(pass.request.count * pass.enlarge->plan.tiles) *
                   pass.enlarge->plan.secondsPerTile;
    return seconds;
}

// Of each model the most that a pass loads.
std::map<size_t, size_t> weightBytesOf(const JobPasses& passes) {
    std::map<size_t, size_t> bytes;
    for (const Pass& pass : passes.list)
        bytes[pass.model] = std::max(bytes[pass.model], pass.plan.weightBytes);
    return bytes;
}

} // namespace

JobPasses planPasses(const ImageRequest& request, const Companions& companions,
                     const PassPlanning& with) {
    return PassList(request, companions, with).made();
}

Plan planOf(const JobPasses& passes, const pipelines::Machine& machine) {
    const Pass &first = passes.list.front(), &last = passes.list.back();
    Plan whole = first.plan;
    for (size_t i = 1; i < passes.list.size(); ++i) whole = following(whole, passes.list[i].plan);
    whole.width = last.enlarge ? last.enlarge->plan.width : *last.request.width;
    whole.height = last.enlarge ? last.enlarge->plan.height : *last.request.height;
    whole.count = passes.rounds * first.request.count;

    std::map<size_t, size_t> weightBytes = weightBytesOf(passes);
    whole.seconds = 0;
    for (const auto& [model, bytes] : weightBytes)
        whole.seconds += static_cast<double>(bytes) / machine.bytesReadPerSecond;
    Steps steps;
    for (const Pass& pass : passes.list) {
        steps.count += stepsOf(pass).count;
        steps.seconds += stepsOf(pass).seconds;
        whole.seconds += static_cast<double>(passes.rounds) * secondsOf(pass, machine);
        // What encodes for a later pass stays loaded from the second round on.
        const size_t stays = weightBytes[pass.model] - pass.plan.weightBytes;
        if (passes.rounds > 1)
            whole.peakBytes = std::max(whole.peakBytes, pass.plan.peakBytes + stays);
    }
    whole.steps = steps.count;
    whole.secondsPerStep = steps.seconds / static_cast<double>(std::max<int64_t>(whole.steps, 1));
    if (whole.fits && whole.peakBytes > whole.availableBytes) {
        whole.fits = false;
        whole.advice =
            "Use --count 1: what encodes for the second pass then comes after the first.";
    }
    return whole;
}

void setTiling(JobPasses& passes, const std::string& tiling) {
    for (Pass& pass : passes.list) pass.request.tiling = tiling;
}

} // namespace kinora::core
