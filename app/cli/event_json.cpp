#include "app/cli/event_json.h"

#include "app/cli/console.h"
#include "app/cli/progress_line.h"
#include "core/media/image_file.h"
#include "core/media/input_file.h"
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
            {"preview", plan.preview},
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
            {"pictures", step.pictures},
            {"done", step.done},
            {"all", step.all}};
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

ordered_json companionJson(const core::CompanionInfo& file) {
    return {
        {"name", file.name},     {"title", file.title},        {"kind", file.kind},
        {"family", file.family}, {"path", file.path.string()}, {"sizeBytes", file.sizeBytes},
        {"hash", file.hash},     {"licence", file.licence},    {"triggerWords", file.triggerWords}};
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

std::string storedHash(const core::Image& image, const std::filesystem::path& file) {
    // By what is in it: --format may write anything under any name.
    const Result<core::InputFile> input = core::InputFile::open(file);
    if (input && core::pictureKindOf(*input) == core::PictureKind::Png)
        return core::pixelHash(image);
    const Result<core::Image> stored = core::loadImage(file);
    return core::pixelHash(stored ? *stored : image);
}

ordered_json jobJson(const core::QueueJob& job) {
    ordered_json json{{"job", job.id},
                      {"state", core::jobStateName(job.state)},
                      {"prompt", job.title},
                      {"project", job.project},
                      {"priority", job.priority},
                      {"pictures", job.pictures},
                      {"picturesDone", job.picturesDone},
                      {"needs", job.needs},
                      {"asked", core::wishName(job.wish)},
                      {"code", job.error ? errorCodeName(job.error->code()) : ""},
                      {"reason", job.error ? job.error->message() : ""},
                      {"hint", job.error ? job.error->advice() : ""}};
    if (job.secondsLeft) json["etaSeconds"] = *job.secondsLeft;
    return json;
}

ordered_json queueJson(const core::QueueStatus& status) {
    return {{"event", "queue"},
            {"jobs", status.jobs()},
            {"waiting", status.waiting},
            {"running", status.running},
            {"pausedJobs", status.pausedJobs},
            {"finished", status.finished},
            {"failed", status.failed},
            {"setAside", status.setAside},
            {"cancelled", status.cancelled},
            {"paused", core::queuePauseName(status.paused)},
            {"owner", status.owner},
            {"trouble", status.trouble ? status.trouble->message() : ""},
            {"etaSeconds", status.secondsLeft},
            {"jobsOfUnknownTime", status.jobsOfUnknownTime}};
}

std::string planText(const pipelines::Plan& plan) {
    const std::string size = std::to_string(plan.width) + " x " + std::to_string(plan.height);
    std::string text;
    text += "Device     " + plan.device + ": " + plan.deviceName + "\n";
    text += "Precision  " + plan.precision + "\n";
    text += "Pictures   " + std::to_string(plan.count) + " of " + size + ", " +
            std::to_string(plan.steps) + " steps, " + std::to_string(plan.batch) + " at once\n";
    if (plan.tiling == "vae")
        text += "Tiling     the VAE works in tiles, which takes less memory\n";
    if (plan.preview == "tiny") text += "Previews   by a small autoencoder\n";
    text += "Time       " + durationText(plan.seconds) + " predicted, a step " +
            std::to_string(static_cast<int64_t>(plan.secondsPerStep * 1000 + 0.5)) + " ms\n";
    text += "Memory     " + sizeText(plan.peakBytes) + " predicted at the peak, " +
            sizeText(plan.availableBytes) + " available\n";
    return text;
}

std::string resumedText(const core::ResumedEvent& resumed) {
    const bool begins =
        !resumed.fromBeginningBecause.empty() || (resumed.step == 0 && resumed.picture == 0);
    const std::string& why =
        resumed.fromBeginningBecause.empty() ? resumed.interruption : resumed.fromBeginningBecause;
    const std::string what =
        begins ? "begins again" : "goes on from step " + std::to_string(resumed.step);
    const std::string text = what + (why.empty() ? std::string() : ": " + printable(why));
    return text.ends_with('.') ? text : text + ".";
}

} // namespace kinora::app
