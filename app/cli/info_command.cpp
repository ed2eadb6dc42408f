// kinora info: what a file is and how it was made.

#include "app/cli/command.h"
#include "app/cli/event_json.h"
#include "app/cli/exit_code.h"
#include "app/cli/request_rows.h"
#include "app/cli/text_table.h"
#include "core/library/companion_files.h"
#include "core/library/companion_info.h"
#include "core/library/weights_info.h"
#include "core/media/input_file.h"
#include "core/media/metadata.h"
#include "core/project/project_document.h"
#include "core/project/project_history.h"
#include "core/project/project_paths.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

namespace kinora::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

Error unknownThing(const fs::path& path) {
    return Error(ErrorCode::Unsupported, path.string() + " is not something Kinora knows.",
                 "It reads pictures, projects, model folders and files of weights.");
}

ordered_json pairsJson(const std::vector<std::pair<std::string, std::string>>& pairs) {
    ordered_json list = ordered_json::array();
    for (const auto& [name, value] : pairs)
        list.push_back(ordered_json{{"name", name}, {"value", value}});
    return list;
}

// The files that a picture began from: the request's own paths are another machine's affair.
void addInputs(TextTable& table, const core::Provenance& made) {
    const auto add = [&table](const char* name, const std::string& hash) {
        if (!hash.empty()) table.addRow({name, printable(hash)});
    };
    add("Noise from", made.latentsHash);
    add("Began from", made.initHash);
    add("Mask", made.maskHash);
    for (const std::string& hash : made.controlHashes) add("ControlNet saw", hash);
    for (const std::string& hash : made.adapterHashes) add("T2I-Adapter saw", hash);
}

int tellPicture(const CommandContext& context, const fs::path& path,
                const core::PictureInfo& info) {
    ordered_json event = {{"event", "info"},          {"kind", "picture"},
                          {"file", path.string()},    {"format", info.format},
                          {"width", info.width},      {"height", info.height},
                          {"madeWith", info.madeWith}};
    TextTable table({});
    table.addRow({"Picture", info.format + ", " + std::to_string(info.width) + " x " +
                                 std::to_string(info.height)});
    table.addRow({"Made with", info.madeWith.empty() ? "not said" : info.madeWith});
    if (info.provenance) {
        const core::Provenance& made = *info.provenance;
        event["provenance"] = core::toJson(made);
        table.addRow({"Engine", printable(made.engineVersion)});
        table.addRow({"Model", printable(made.modelName)});
        table.addRow({"Model hash", printable(made.modelHash)});
        table.addRow({"Device", printable(made.device + ", " + made.precision) + ", " +
                                    std::to_string(made.threads) + " threads"});
        addInputs(table, made);
        for (const core::Enlargement& step : made.enlargements)
            table.addRow({"Upscaled", std::to_string(step.scale) + "x by " +
                                          printable(step.upscaler.name + ", " + step.precision)});
        table.addRow({"Pixel hash", printable(made.outputHash)});
    }
    if (info.request) {
        event["request"] = pipelines::toJson(*info.request);
        pipelines::ImageRequest shown = *info.request;
        if (info.provenance) shown.model = pipelines::ImageRequest().model; // told above
        addRequest(table, shown, RequestRows::Result);
    }
    event["others"] = pairsJson(info.others);
    event["texts"] = pairsJson(info.texts);
    for (const auto& [name, value] : info.others) table.addRow({printable(name), printable(value)});
    context.console.event(event);
    context.console.data(table.text());
    for (const auto& [name, value] : info.texts) context.console.detail("[" + name + "]\n" + value);
    return kExitDone;
}

std::string shapeText(const std::vector<int64_t>& shape) {
    std::string text = "[";
    for (size_t axis = 0; axis < shape.size(); ++axis)
        text += (axis > 0 ? ", " : "") + std::to_string(shape[axis]);
    return text + "]";
}

// What a person uses the file as, where it is something beside a model.
void addCompanion(TextTable& table, const core::CompanionInfo& file) {
    const std::string more = file.family.empty() ? "" : " (" + printable(file.family) + ")";
    table.addRow({"Used as", file.kind + more});
    std::string words;
    for (const std::string& word : file.triggerWords) words += (words.empty() ? "" : ", ") + word;
    if (!file.title.empty()) table.addRow({"Title", printable(file.title)});
    if (!words.empty()) table.addRow({"Trigger words", printable(words)});
    if (!file.licence.empty()) table.addRow({"Licence", printable(file.licence)});
}

int tellWeights(const CommandContext& context, const fs::path& path,
                const core::WeightsInfo& info) {
    ordered_json tensors = ordered_json::array();
    TextTable list({"TENSOR", "DTYPE", "SHAPE"});
    for (const core::StoredTensorInfo& tensor : info.tensors) {
        tensors.push_back(
            ordered_json{{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}});
        list.addRow({printable(tensor.name), tensor.dtype, shapeText(tensor.shape)});
    }
    ordered_json dtypes = ordered_json::object();
    std::string dtypeText;
    for (const auto& [dtype, count] : info.dtypeCounts) {
        dtypes[dtype] = count;
        dtypeText += (dtypeText.empty() ? "" : ", ") + std::to_string(count) + " " + dtype;
    }
    const std::optional<core::CompanionInfo> companion = core::readCompanionInfo(path);
    ordered_json event = {{"event", "info"},
                          {"kind", "weights"},
                          {"file", path.string()},
                          {"format", info.format},
                          {"architecture", info.architecture},
                          {"sizeBytes", info.sizeBytes},
                          {"parameters", info.parameters},
                          {"dtypes", std::move(dtypes)},
                          {"tensors", std::move(tensors)}};
    if (companion) event["companion"] = companionJson(*companion);
    context.console.event(event);
    TextTable table({});
    table.addRow({"Weights", info.format + ", " + sizeText(info.sizeBytes)});
    if (companion) addCompanion(table, *companion);
    if (!companion || !info.architecture.empty())
        table.addRow({"Architecture", info.architecture.empty() ? "not known" : info.architecture});
    table.addRow({"Parameters", std::to_string(info.parameters)});
    table.addRow({"Tensors", std::to_string(info.tensors.size()) +
                                 (dtypeText.empty() ? std::string() : ": " + dtypeText)});
    context.console.data(table.text() + "\n" + list.text());
    return kExitDone;
}

int tellModel(const CommandContext& context, const fs::path& path) {
    std::error_code ignored;
    if (!fs::exists(path / "model_index.json", ignored))
        throw Error(ErrorCode::Unsupported,
                    path.string() + ": is a folder without a model in it: no model_index.json.",
                    "Name a file, or the folder of a model in the diffusers layout; kinora models "
                    "--models DIR lists what is in a folder of models.");
    // As a path: "./sd15", never the name of another model.
    const core::ModelEntry model =
        orThrow(context.program.library.find(fs::absolute(path).string()));
    context.console.event({{"event", "info"},
                           {"kind", "model"},
                           {"file", path.string()},
                           {"model", modelJson(model)}});
    TextTable table({});
    table.addRow({"Model", model.title.empty() ? model.name : model.title});
    table.addRow({"Kind", model.kind});
    table.addRow({"Size", sizeText(model.sizeBytes)});
    if (!model.problem.empty()) table.addRow({"Problem", model.problem});
    for (const std::string& warning : model.warnings) table.addRow({"Warning", printable(warning)});
    addRequest(table, model.defaults, RequestRows::Result);
    context.console.data(table.text());
    return kExitDone;
}

int tellProject(const CommandContext& context, const fs::path& path) {
    constexpr int64_t kShown = 20;
    const core::ProjectDocument project = orThrow(core::ProjectDocument::load(path));
    if (!project.readOnlyReason().empty()) context.console.warning(project.readOnlyReason());
    for (const std::string& warning : project.warnings()) context.console.warning(warning);
    ordered_json batches = ordered_json::array(), models = ordered_json::array(),
                 tasks = ordered_json::array();
    TextTable facts({});
    facts.addRow({"Project", printable(path.filename().string())});
    for (const core::ProjectModel& model : project.models()) {
        models.push_back({{"name", model.name}, {"hash", model.hash}});
        facts.addRow({"Model", printable(model.name), model.hash});
    }
    for (const core::ProjectBatch& batch : project.batches()) {
        batches.push_back(
            {{"name", batch.name}, {"firstTask", batch.firstTask}, {"tasks", batch.tasks}});
        facts.addRow({"Batch", printable(batch.name), std::to_string(batch.tasks) + " tasks"});
    }
    const core::ProjectHistory history(core::projectPaths(path).history);
    if (const std::string text = history.damageText(); !text.empty()) context.console.warning(text);
    const auto made = history.latestByTask();
    TextTable list({"TASK", "BATCH", "SEED", "STARS", "PROMPT"});
    for (int64_t number = 0; number < project.taskCount(); ++number) {
        if (number >= kShown && !context.console.json()) break;
        const Result<core::ProjectTask> task = project.task(number);
        if (!task) {
            list.addRow({std::to_string(number), "", "", "", printable(task.error().message())});
            continue;
        }
        tasks.push_back({{"task", number},
                         {"batch", task->batch},
                         {"request", ordered_json(pipelines::toJson(task->request))}});
        int stars = 0;
        if (const auto picture = made.find(number); picture != made.end()) {
            stars = history.rating(picture->second.file);
            tasks.back()["picture"] = picture->second.file;
            tasks.back()["rating"] = stars;
        }
        list.addRow({std::to_string(number), printable(task->batch),
                     std::to_string(task->request.seed.value_or(0)),
                     std::string(static_cast<size_t>(stars), '*'),
                     printable(task->request.prompt)});
    }
    context.console.event({{"event", "info"},
                           {"kind", "project"},
                           {"file", path.string()},
                           {"taskCount", project.taskCount()},
                           {"models", std::move(models)},
                           {"batches", std::move(batches)},
                           {"tasks", std::move(tasks)}});
    std::string text = facts.text() + "\n" + list.text();
    if (project.taskCount() > kShown)
        text += "and " + std::to_string(project.taskCount() - kShown) + " more\n";
    context.console.data(text);
    return kExitDone;
}

} // namespace

int runInfoCommand(const CommandContext& context) {
    const fs::path path(context.arguments.positional.at(0));
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) return tellModel(context, path);
    if (path.extension() == ".kinora") return tellProject(context, path);
    if (fs::is_regular_file(status))
        if (const std::optional<Error> other = core::otherKindOfFile(path)) throw *other;
    const bool named = fs::is_regular_file(status) && core::hasWeightsEnding(path);
    if (named || core::looksLikeSafetensors(path) || core::looksPickled(path))
        return tellWeights(context, path, orThrow(core::readWeightsInfo(path)));
    if (core::pictureKindOf(orThrow(core::InputFile::open(path))) == core::PictureKind::Unknown)
        throw unknownThing(path);
    return tellPicture(context, path, orThrow(core::readPictureInfo(path)));
}

} // namespace kinora::app
