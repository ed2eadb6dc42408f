#include "app/cli/event_json.h"

#include "app/cli/progress_line.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

namespace kinora::app {

using nlohmann::ordered_json;

ordered_json planJson(const pipelines::Plan& plan) {
    return {{"event", "plan"},
            {"devices", ordered_json::array({plan.device})},
            {"deviceName", plan.deviceName},
            {"threads", plan.threads},
            {"precision", plan.precision},
            {"tiling", plan.tiling},
            {"batch", plan.batch},
            {"width", plan.width},
            {"height", plan.height},
            {"steps", plan.steps},
            {"count", plan.count},
            {"predictedSeconds", plan.seconds},
            {"predictedSecondsPerStep", plan.secondsPerStep},
            {"predictedPeakBytes", plan.peakBytes},
            {"weightBytes", plan.weightBytes},
            {"availableBytes", plan.availableBytes},
            {"fits", plan.fits},
            {"advice", plan.advice},
            {"warnings", plan.warnings}};
}

ordered_json loadingJson(const core::LoadingEvent& loading) {
    return {{"event", "loading"}, {"component", loading.component}, {"fraction", loading.fraction}};
}

ordered_json stepJson(const core::StepEvent& step) {
    return {{"event", "step"},
            {"step", step.step},
            {"of", step.steps},
            {"secondsPerStep", step.secondsPerStep},
            {"etaSeconds", step.secondsLeft},
            {"picture", step.picture},
            {"pictures", step.pictures}};
}

ordered_json modelJson(const core::ModelEntry& model) {
    ordered_json defaults = pipelines::toJson(model.defaults);
    return {{"name", model.name},
            {"title", model.title},
            {"kind", model.kind},
            {"path", model.path.string()},
            {"sizeBytes", model.sizeBytes},
            {"builtIn", model.builtIn},
            {"problem", model.problem},
            {"warnings", model.warnings},
            {"defaults", std::move(defaults)}};
}

ordered_json resultJson(const core::PictureEvent& picture, const ResultFile& result) {
    const core::Provenance& provenance = picture.provenance;
    return {{"event", "result"},
            {"file", result.file.string()},
            {"seed", provenance.request.seed.value_or(0)},
            {"width", picture.image.width},
            {"height", picture.image.height},
            {"seconds", result.seconds},
            {"peakBytes", result.peakBytes},
            {"sha256", result.sha256},
            {"model", provenance.modelName},
            {"modelHash", provenance.modelHash},
            {"picture", picture.picture}};
}

std::string planText(const pipelines::Plan& plan) {
    const std::string size = std::to_string(plan.width) + " x " + std::to_string(plan.height);
    std::string text;
    text += "Device     " + plan.device + ": " + plan.deviceName + "\n";
    text += "Precision  " + plan.precision + "\n";
    text += "Pictures   " + std::to_string(plan.count) + " of " + size + ", " +
            std::to_string(plan.steps) + " steps, " + std::to_string(plan.batch) + " at once\n";
    text += "Time       " + durationText(plan.seconds) + " predicted, a step " +
            std::to_string(static_cast<int64_t>(plan.secondsPerStep * 1000 + 0.5)) + " ms\n";
    text += "Memory     " + sizeText(plan.peakBytes) + " predicted at the peak, " +
            sizeText(plan.availableBytes) + " available\n";
    return text;
}

} // namespace kinora::app
