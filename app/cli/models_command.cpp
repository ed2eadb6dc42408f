// kinora models: what is here, or one of them; the folders in which they are looked for.

#include "app/cli/command.h"
#include "app/cli/event_json.h"
#include "app/cli/exit_code.h"
#include "app/cli/text_table.h"
#include "core/library/model_folders.h"
#include "core/library/plain_file_name.h"
#include "core/library/prompt_vocabulary.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::app {
namespace {

constexpr qsizetype kShownSubjects = 12;

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

// LoRAs, VAEs and upscalers: a table of their own, since one asks other things of them.
nlohmann::ordered_json listCompanions(const CommandContext& context) {
    nlohmann::ordered_json entries = nlohmann::ordered_json::array();
    TextTable table({"NAME", "KIND", "FOR", "SIZE", "TRIGGER WORDS", "FILE"});
    for (const core::CompanionInfo& file : context.program.library.companions()) {
        entries.push_back(companionJson(file));
        table.addRow({printable(file.name), printable(file.kind), printable(file.family),
                      sizeText(file.sizeBytes), printable(listed(file.triggerWords)),
                      printable(file.path.string())});
    }
    if (!entries.empty()) context.console.data("\n" + table.text());
    return entries;
}

// Models of kinds that are not read would else be missing without a word; picture encoders are used
// where they lie.
void tellOfOthers(const CommandContext& context, const std::vector<core::ModelEntry>& others) {
    size_t count = 0;
    for (const core::ModelEntry& other : others) {
        if (core::CompanionFile{other.path}.inFolderOf(core::CompanionKind::ImageEncoder)) continue;
        ++count;
        context.console.detail(printable(other.path.string()) + ": " + printable(other.problem));
    }
    if (count == 0) return;
    context.console.remark(
        (count == 1 ? "1 file among the models is of a kind that Kinora does not use"
                    : std::to_string(count) +
                          " files among the models are of kinds that Kinora does not use") +
        "; with --verbose it says which and why.");
}

int listModels(const CommandContext& context) {
    std::vector<core::ModelEntry> others;
    const std::vector<core::ModelEntry> models = context.program.library.list(&others);
    nlohmann::ordered_json entries = nlohmann::ordered_json::array();
    TextTable table({"NAME", "TITLE", "KIND", "SIZE", "FOLDER"});
    for (const core::ModelEntry& model : models) {
        entries.push_back(modelJson(model));
        table.addRow({model.name, model.title, model.problem.empty() ? model.kind : "unusable",
                      sizeText(model.sizeBytes), model.path.string()});
    }
    context.console.data(table.text());
    nlohmann::ordered_json companions = listCompanions(context);
    context.console.event({{"event", "models"},
                           {"models", std::move(entries)},
                           {"companions", std::move(companions)}});
    for (const core::ModelEntry& model : models)
        if (!model.problem.empty())
            context.console.remark(model.name + " cannot be used: " + model.problem);
    tellOfOthers(context, others);
    const auto folders = core::readModelFolders(context.program.library.dataFolder());
    if (!folders) context.console.remark(folders.error().what());
    return kExitDone;
}

// What of the lists lies in the folder, in words.
std::string contentOf(const CommandContext& context, const std::filesystem::path& folder) {
    const auto isThere = [&](const auto& entry) { return core::isBelow(entry.path, folder); };
    std::vector<core::ModelEntry> all = context.program.library.list();
    std::erase_if(all, [&](const core::ModelEntry& model) { return !isThere(model); });
    const auto models = std::ranges::count(all, std::string(), &core::ModelEntry::problem);
    const int64_t unusable = std::ssize(all) - models;
    const auto files = std::ranges::count_if(context.program.library.companions(), isThere);
    const auto counted = [](int64_t count, const char* what) {
        return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
    };
    const std::string text =
        counted(models, "model") + " and " + counted(files, "file") + " used beside models";
    if (unusable == 0) return text;
    return text + "; of " + counted(unusable, "other") + " kinora models says why " +
           (unusable == 1 ? "it" : "they") + " cannot be used";
}

void tellFolders(const CommandContext& context) {
    nlohmann::ordered_json folders = nlohmann::ordered_json::array();
    std::string text;
    for (const auto& folder :
         orThrow(core::readModelFolders(context.program.library.dataFolder()))) {
        folders.push_back(folder.string());
        text += printable(folder.string()) + "\n";
    }
    if (!text.empty()) context.console.data(text);
    context.console.event({{"event", "models"},
                           {"models", nlohmann::ordered_json::array()},
                           {"folders", std::move(folders)}});
}

int changeFolders(const CommandContext& context, const std::string& verb,
                  const std::filesystem::path& folder) {
    const std::filesystem::path& data = context.program.library.dataFolder();
    orThrow(verb == "add" ? core::addModelFolder(data, folder)
                          : core::removeModelFolder(data, folder));
    if (verb == "add")
        context.console.remark(printable(folder.string()) + " has " + contentOf(context, folder) +
                               ".");
    tellFolders(context);
    return kExitDone;
}

nlohmann::ordered_json textsJson(const QStringList& texts) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const QString& text : texts) list.push_back(text.toStdString());
    return list;
}

// Those of the name: a LoRA and a VAE may share it.
std::vector<core::CompanionInfo> companionsCalled(const CommandContext& context,
                                                  const std::string& name) {
    std::vector<core::CompanionInfo> files = context.program.library.companions();
    std::erase_if(files, [&](const core::CompanionInfo& file) {
        return !core::isCalled(file.name, name) && file.path != name;
    });
    return files;
}

int showCompanions(const CommandContext& context, std::vector<core::CompanionInfo> files) {
    nlohmann::ordered_json entries = nlohmann::ordered_json::array();
    std::string text;
    for (core::CompanionInfo& file : files) {
        file.hash = orThrow(context.program.library.fileHash(file.path));
        entries.push_back(companionJson(file));
        TextTable table({});
        for (const auto& [label, value] :
             std::initializer_list<std::pair<const char*, std::string>>{
                 {"Name", file.name},
                 {"Title", file.title},
                 {"Kind", file.kind},
                 {"For", file.family},
                 {"File", file.path.string()},
                 {"Size", sizeText(file.sizeBytes)},
                 {"Hash", file.hash},
                 {"Licence", file.licence},
                 {"Trigger words", listed(file.triggerWords)}})
            if (!value.empty()) table.addRow({label, printable(value)});
        text += (text.empty() ? "" : "\n") + table.text();
    }
    context.console.event({{"event", "models"},
                           {"models", nlohmann::ordered_json::array()},
                           {"companions", std::move(entries)}});
    context.console.data(text);
    return kExitDone;
}

int showModel(const CommandContext& context, const core::ModelEntry& model) {
    const std::string hash = orThrow(context.program.library.hash(model));
    nlohmann::ordered_json entry = modelJson(model);
    entry["hash"] = hash;
    const core::PromptVocabulary vocabulary = orThrow(core::PromptVocabulary::load(model.path));
    if (!vocabulary.empty()) {
        entry["styles"] = textsJson(vocabulary.styles());
        entry["subjects"] = textsJson(vocabulary.subjects());
    }
    context.console.event(
        {{"event", "models"}, {"models", nlohmann::ordered_json::array({std::move(entry)})}});
    TextTable table({});
    table.addRow({"Name", model.name});
    table.addRow({"Title", model.title});
    table.addRow({"Kind", model.kind});
    table.addRow({"Folder", model.path.string()});
    table.addRow({"Size", sizeText(model.sizeBytes)});
    table.addRow({"Hash", hash});
    if (!model.problem.empty()) table.addRow({"Problem", model.problem});
    for (const std::string& warning : model.warnings) table.addRow({"Warning", printable(warning)});
    for (const pipelines::Parameter& parameter : pipelines::imageParameters()) {
        if (parameter.role != pipelines::ParameterRole::Result) continue;
        const std::optional<std::string> value = pipelines::toText(model.defaults, parameter);
        const std::optional<std::string> usual =
            pipelines::toText(pipelines::ImageRequest(), parameter);
        if (value && value != usual) table.addRow({std::string(parameter.label), *value});
    }
    if (!vocabulary.empty()) {
        table.addRow({"Styles", vocabulary.styles().join(", ").toStdString()});
        table.addRow({"Subjects",
                      QString::number(vocabulary.subjects().size()).toStdString() + ", as " +
                          vocabulary.subjects().mid(0, kShownSubjects).join(", ").toStdString()});
    }
    context.console.data(table.text());
    return kExitDone;
}

// A model, or else what is used beside one.
int show(const CommandContext& context, const std::string& name) {
    const Result<core::ModelEntry> model = context.program.library.find(name);
    if (model && model->problem.empty()) return showModel(context, *model);
    std::vector<core::CompanionInfo> files = companionsCalled(context, name);
    if (!files.empty()) return showCompanions(context, std::move(files));
    return showModel(context, orThrow(model));
}

} // namespace

int runModelsCommand(const CommandContext& context) {
    const std::vector<std::string>& words = context.arguments.positional;
    if (words.empty() || words[0] == "list") {
        if (words.size() > 1)
            throw Error(ErrorCode::InvalidArgument, "kinora models list takes no name.",
                        "kinora models show " + words[1] + " shows one.");
        return listModels(context);
    }
    if (words[0] == "folders") {
        if (words.size() > 1)
            throw Error(ErrorCode::InvalidArgument, "kinora models folders takes no name.",
                        "kinora models add " + words[1] + " adds one.");
        tellFolders(context);
        return kExitDone;
    }
    const bool isOfFolders = words[0] == "add" || words[0] == "remove";
    if (words.size() < 2)
        throw Error(ErrorCode::InvalidArgument,
                    "kinora models " + words[0] + " needs a " + (isOfFolders ? "folder." : "name."),
                    isOfFolders ? "kinora models folders lists those that were added."
                                : "kinora models lists them.");
    if (isOfFolders) return changeFolders(context, words[0], words[1]);
    return show(context, words[1]);
}

} // namespace kinora::app
