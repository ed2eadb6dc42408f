#include "pipelines/image/resolve_request.h"

#include "kernels/base/error.h"
#include "pipelines/denoisers/denoiser.h"
#include "pipelines/image/background.h"
#include "pipelines/image/denoiser_input.h"
#include "pipelines/image/prompt_texts.h"
#include "pipelines/request/parameters.h"
#include "pipelines/request/request_partners.h"
#include "pipelines/vae/vae.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>

namespace kinora::pipelines {

int64_t takenSteps(const ImageRequest& request) {
    return request.strength
               ? static_cast<int64_t>(static_cast<double>(*request.steps) * *request.strength)
               : *request.steps;
}

namespace {

constexpr std::string_view kSubstitute = "euler"; // for a scheduler that is not here

// Whether the field is an optional one that nobody has set.
bool isUnset(const ImageRequest& request, const Parameter& parameter) {
    return std::visit(
        [&](auto field) {
            using Value = std::remove_cvref_t<decltype(request.*field)>;
            if constexpr (requires(Value v) { v.has_value(); })
                return !(request.*field).has_value();
            else
                return false;
        },
        parameter.field);
}

// Keeps the picture's shape; down to a multiple of the factor, but not to nothing.
void fillFromPicture(ImageRequest& request, const Model& model, PictureSize init) {
    if (request.initPath.empty() || init.width < 1 || init.height < 1) return;
    const int64_t factor = readVaeConfig(model.config("vae"), model.configLabel("vae")).factor();
    const auto fitted = [&](int64_t size) { return std::max(size / factor, int64_t{1}) * factor; };
    const std::optional<int64_t> width = request.width;
    if (!request.width)
        request.width =
            fitted(request.height ? init.width * *request.height / init.height : init.width);
    if (!request.height)
        request.height = fitted(width ? init.height * *width / init.width : init.height);
}

void fillFromModel(ImageRequest& request, const Model& model) {
    for (const auto& [name, value] : model.extras().defaults.items()) {
        const Parameter* parameter = findImageParameter(name);
        if (!parameter || !isUnset(request, *parameter)) continue;
        setFromText(request, *parameter,
                    value.is_string() ? value.get<std::string>() : value.dump());
    }
}

void fillFromConfigs(ImageRequest& request, const Model& model) {
    const auto vae = readVaeConfig(model.config("vae"), model.configLabel("vae"));
    const auto denoiser = readDenoiserConfig(model.config("unet"), model.configLabel("unet"));
    if (!request.width) request.width = denoiser.sampleWidth * vae.factor();
    if (!request.height) request.height = denoiser.sampleHeight * vae.factor();
    if (!request.sampler) {
        const auto* scheduler = findSchedulerByClass(model.className("scheduler"));
        request.sampler = std::string(scheduler ? scheduler->name : kSubstitute);
    }
    for (const auto& [name, size] :
         {std::pair{"width", *request.width}, {"height", *request.height}})
        if (size % vae.factor() != 0)
            throw Error(
                ErrorCode::InvalidArgument,
                std::string(name) + ": " + std::to_string(size) + " is not a multiple of " +
                    std::to_string(vae.factor()) + ", which this model needs.",
                "Use " + std::to_string(std::max(size / vae.factor(), int64_t{1}) * vae.factor()) +
                    ".");
}

void fillFromTable(ImageRequest& request) {
    for (const Parameter& parameter : imageParameters()) {
        if (!isUnset(request, parameter) || parameter.name == "seed") continue;
        if (const auto* text = std::get_if<std::string>(&parameter.fallback))
            setFromText(request, parameter, *text);
        else if (const auto* integer = std::get_if<int64_t>(&parameter.fallback))
            setFromText(request, parameter, std::to_string(*integer));
        else if (const auto* number = std::get_if<double>(&parameter.fallback))
            setFromText(request, parameter, nlohmann::json(*number).dump());
    }
}

[[noreturn]] void refuse(const std::string& message, const std::string& advice) {
    throw Error(ErrorCode::InvalidArgument, message, advice);
}

DenoiserInput kindOf(const Model& model) {
    return denoiserInput(readDenoiserConfig(model.config("unet"), model.configLabel("unet")),
                         readVaeConfig(model.config("vae"), model.configLabel("vae")));
}

// Whether and how the pixels that a mask keeps are put back.
void fillPasteBack(ImageRequest& request) {
    constexpr int64_t kUsualMaskBlur = 4; // A1111's
    if (!hasMask(request))
        request.pasteBack.reset();
    else if (!request.pasteBack)
        request.pasteBack = "on";
    if (request.pasteBack != "on")
        request.maskBlur.reset();
    else if (!request.maskBlur)
        request.maskBlur = kUsualMaskBlur;
}

// What a run from a picture needs, or that there is none.
void fillStart(ImageRequest& request, const Model& model) {
    constexpr double kUsualStrength = 0.75, kUsualImageCfg = 1.5;
    const bool init = !request.initPath.empty(), mask = hasMask(request);
    const DenoiserInput kind = kindOf(model);
    if (!init && request.outpaint)
        refuse("There is no picture that could be continued at its sides.", "Add --init.");
    if (!init && mask) refuse("There is a mask, but no picture that it belongs to.", "Add --init.");
    if (!init) request.strength.reset(); // modelWarnings() says so
    if (kind != DenoiserInput::Picture) request.imageCfg.reset();
    if (kind == DenoiserInput::MaskAndMasked && !(init && mask))
        refuse("This model makes a part of a picture anew.", "Give --init and --mask.");
    if (kind == DenoiserInput::Picture && (!init || mask))
        refuse("This model edits a picture as the prompt says.",
               request.outpaint ? "Leave out --outpaint."
               : mask           ? "Leave out --mask."
                                : "Give the picture with --init.");
    if (kind == DenoiserInput::Picture) {
        request.strength.reset(); // it takes all of its steps
        if (!request.imageCfg) request.imageCfg = kUsualImageCfg;
    } else if (init) {
        if (!request.strength) request.strength = mask ? 1.0 : kUsualStrength;
        if (takenSteps(request) < 1)
            refuse("strength: " + nlohmann::json(*request.strength).dump() + " of " +
                       std::to_string(*request.steps) + " steps is less than one.",
                   "Raise the strength or the steps.");
    }
}

// What a second model or a second pass needs, or that there is none.
void fillPasses(ImageRequest& request, const Model& model) {
    constexpr double kUsualHandOver = 0.8, kUsualHiresStrength = 0.5;
    if (!request.refiner) request.refinerAt.reset();
    if (!request.hires) {
        request.hiresSteps.reset();
        request.hiresStrength.reset();
        request.hiresUpscaler.reset();
    }
    if (!request.denoiseTile) request.denoiseStride.reset();
    if (request.denoiseTile && request.denoiseStride.value_or(0) > *request.denoiseTile)
        refuse("denoise-stride: windows that are " + std::to_string(*request.denoiseStride) +
                   " pixels apart leave gaps between windows of " +
                   std::to_string(*request.denoiseTile) + ".",
               "Use half a window or less.");
    const bool plain = kindOf(model) == DenoiserInput::Latents && !hasMask(request);
    if (request.refiner) {
        if (!plain || request.hires)
            refuse("A refiner finishes whole pictures that are made in one pass.",
                   "Leave out --mask, --outpaint or --hires, or the refiner.");
        if (!request.refinerAt) request.refinerAt = kUsualHandOver;
    }
    if (!request.hires) return;
    if (!plain)
        refuse("A second pass makes all of a picture anew: it does not go with masks, or models "
               "that need them or edit.",
               "Leave out --hires.");
    if (request.count > 1 && !request.saveLatentsPath.empty())
        refuse("With a second pass the latents of one picture can be saved.", "Use --count 1.");
    if (!request.hiresSteps) request.hiresSteps = *request.steps;
    if (!request.hiresStrength) request.hiresStrength = kUsualHiresStrength;
    if (takenSteps(hiresRequest(request, 1)) < 1)
        refuse("hires-strength: of " + std::to_string(*request.hiresSteps) +
                   " steps it leaves less than one.",
               "Raise the strength or the steps.");
}

} // namespace

ImageRequest hiresRequest(const ImageRequest& request, int64_t multiple) {
    ImageRequest larger = request;
    const auto grown = [&](int64_t size) {
        const double wanted = static_cast<double>(size) * *request.hires;
        return std::max<int64_t>(std::llround(wanted / static_cast<double>(multiple)), 1) *
               multiple;
    };
    larger.width = grown(*request.width);
    larger.height = grown(*request.height);
    larger.steps = request.hiresSteps;
    larger.strength = request.hiresStrength;
    larger.initPath = "the first pass";
    larger.latentsPath.clear();
    for (auto* passed : {&larger.hires, &larger.hiresStrength}) passed->reset();
    larger.hiresSteps.reset();
    larger.hiresUpscaler.reset();
    return larger;
}

ImageRequest resolveRequest(const ImageRequest& request, const Model& model, PictureSize init) {
    validate(request);
    ImageRequest resolved = request;
    takePromptLoras(resolved);
    fillFromPicture(resolved, model, init);
    fillFromModel(resolved, model);
    fillFromConfigs(resolved, model);
    fillFromTable(resolved);
    fillStart(resolved, model);
    fillPasteBack(resolved);
    checkSteeringPictures(resolved);
    if (resolved.controls.empty()) resolved.controlGuess.reset();
    fillPasses(resolved, model);
    validate(resolved);
    parseBackground(resolved.background);
    // Made once to hear now what it would object to later: an impossible pair, an unknown config.
    makeScheduler(*resolved.sampler, model.config("scheduler"), schedulerOptions(resolved, model));
    return resolved;
}

SchedulerOptions schedulerOptions(const ImageRequest& request, const Model& model) {
    // The denoisers of SDXL alone are told sizes and crops.
    const auto& unet = model.config("unet");
    const auto embedding = unet.find("addition_embed_type");
    const bool xl = embedding != unet.end() && *embedding == "text_time";
    return {.steps = static_cast<int>(*request.steps),
            .schedule = *request.schedule,
            .eta = request.eta,
            .configLabel = model.configLabel("scheduler"),
            .family = xl ? ModelFamily::StableDiffusionXl : ModelFamily::StableDiffusion};
}

std::vector<std::string> modelWarnings(const ImageRequest& request, const Model& model) {
    std::vector<std::string> warnings = withoutPartner(request);
    const std::string className = model.className("scheduler");
    const bool chosen = request.sampler || model.extras().defaults.contains("sampler");
    if (!chosen && !findSchedulerByClass(className))
        warnings.push_back("The model asks for " + className + ", which this version lacks; " +
                           std::string(kSubstitute) + " is used instead.");
    const bool edits = kindOf(model) == DenoiserInput::Picture;
    if (request.strength && (edits || request.initPath.empty()))
        warnings.push_back(edits ? "This model edits and takes all of its steps: strength does "
                                   "not count."
                                 : "There is no picture to begin from: strength does not count.");
    if (request.imageCfg && !edits)
        warnings.push_back("This model does not edit pictures: picture guidance does not count.");
    if (request.prediction == "auto" && model.predictionIsGuessed())
        warnings.push_back("The checkpoint does not say what it predicts; " +
                           model.config("scheduler").value("prediction_type", "epsilon") +
                           " is assumed. Where pictures are noise, choose the other prediction "
                           "type.");
    return warnings;
}

} // namespace kinora::pipelines
