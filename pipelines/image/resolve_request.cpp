#include "pipelines/image/resolve_request.h"

#include "kernels/base/error.h"
#include "pipelines/denoisers/unet_2d.h"
#include "pipelines/image/background.h"
#include "pipelines/image/prompt_texts.h"
#include "pipelines/request/parameters.h"
#include "pipelines/vae/autoencoder_kl.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <type_traits>

namespace kinora::pipelines {

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

void fillFromModel(ImageRequest& request, const Model& model) {
    for (const auto& [name, value] : model.extras().defaults.items()) {
        const Parameter* parameter = findImageParameter(name);
        if (!parameter || !isUnset(request, *parameter)) continue;
        setFromText(request, *parameter,
                    value.is_string() ? value.get<std::string>() : value.dump());
    }
}

void fillFromConfigs(ImageRequest& request, const Model& model) {
    const auto vae = AutoencoderKlConfig::fromJson(model.config("vae"), model.configLabel("vae"));
    const auto unet = Unet2dConfig::fromJson(model.config("unet"), model.configLabel("unet"));
    if (!request.width) request.width = unet.sampleSize * vae.factor();
    if (!request.height) request.height = unet.sampleSize * vae.factor();
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

} // namespace

ImageRequest resolveRequest(const ImageRequest& request, const Model& model) {
    validate(request);
    ImageRequest resolved = request;
    takePromptLoras(resolved);
    fillFromModel(resolved, model);
    fillFromConfigs(resolved, model);
    fillFromTable(resolved);
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
    std::vector<std::string> warnings;
    const std::string className = model.className("scheduler");
    const bool chosen = request.sampler || model.extras().defaults.contains("sampler");
    if (!chosen && !findSchedulerByClass(className))
        warnings.push_back("The model asks for " + className + ", which this version lacks; " +
                           std::string(kSubstitute) + " is used instead.");
    if (request.prediction == "auto" && model.predictionIsGuessed())
        warnings.push_back("The checkpoint does not say what it predicts; " +
                           model.config("scheduler").value("prediction_type", "epsilon") +
                           " is assumed. Where pictures are noise, choose the other prediction "
                           "type.");
    return warnings;
}

} // namespace kinora::pipelines
