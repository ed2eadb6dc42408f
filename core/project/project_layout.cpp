#include "core/project/project_layout.h"

#include "core/library/companion_files.h"
#include "core/media/image_file.h"
#include "core/media/sha256.h"
#include "core/project/asset_store.h"
#include "core/project/reference_cycles.h"
#include "kernels/base/utf8.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace kinora::core {

using nlohmann::json;
using nlohmann::ordered_json;
using pipelines::Parameter;
using pipelines::ParameterRole;

namespace {

constexpr size_t kMostListEntries = 100'000; // models, prompts, shots, batches each
constexpr size_t kLongestName = 200;
constexpr size_t kMostAxes = 3;
constexpr size_t kMostAxisValues = 1000;

[[noreturn]] void refuse(const std::string& what) {
    throw Error(ErrorCode::BadFile, what,
                "Mend it by hand, or take the last version that opens; "
                "resources/schemas/project.schema.json says what belongs where.");
}

const ordered_json* fieldOf(const ordered_json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
}

std::string textOf(const ordered_json& value, const std::string& where, size_t longest) {
    if (!value.is_string()) refuse(where + " is not a text.");
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() > longest || text.find('\0') != std::string::npos)
        refuse(where + " is too long, or has a zero byte in it.");
    return text;
}

std::string nameOf(const ordered_json& entry, const std::string& where) {
    if (!entry.is_object()) refuse(where + " is not an object.");
    const ordered_json* name = fieldOf(entry, "name");
    if (!name) refuse(where + ".name is missing.");
    const std::string text = textOf(*name, where + ".name", kLongestName);
    if (text.empty()) refuse(where + ".name is empty.");
    return text;
}

std::string optionalText(const ordered_json& entry, const char* name, const std::string& where,
                         size_t longest) {
    const ordered_json* value = fieldOf(entry, name);
    return value ? textOf(*value, where + "." + name, longest) : std::string();
}

// A list that may be left out.
const ordered_json& listOf(const ordered_json& project, const char* name) {
    static const ordered_json none = ordered_json::array();
    const ordered_json* list = fieldOf(project, name);
    if (!list) return none;
    if (!list->is_array()) refuse(std::string(name) + " is not a list.");
    if (list->size() > kMostListEntries) refuse(std::string(name) + " has too many entries.");
    return *list;
}

std::string at(const char* list, size_t index) {
    return std::string(list) + "[" + std::to_string(index) + "]";
}

// The parameters that this version knows; the others are kept in the file, and told.
json knownParameters(const ordered_json& object) {
    json known = json::object();
    for (const auto& [name, value] : object.items())
        if (isProjectParameter(name)) known[name] = json(value);
    return known;
}

// A project moves as a folder: nothing in it leads out of that.
void checkPath(const std::string& name, const ordered_json& value, const std::string& where) {
    if (value.is_array())
        for (const ordered_json& entry : value) checkPath(name, entry, where);
    if (!value.is_string()) return; // its type is checked with the others
    const auto& text = value.get_ref<const std::string&>();
    if (isAssetParameter(name) && !text.empty() && !isAssetReference(text))
        refuse(where + "." + name + " is not the name of an asset (asset:HASH.EXTENSION).");
    if (name == "model" && text.find('/') != std::string::npos)
        refuse(where + ".model is a path; a project calls its models by their names.");
}

GridAxis axisOf(const ordered_json& axis, const std::string& where) {
    if (!axis.is_object()) refuse(where + " is not an object.");
    GridAxis result{optionalText(axis, "parameter", where, kLongestName), {}};
    if (!isProjectParameter(result.parameter)) refuse(where + ".parameter is none that can vary.");
    const ordered_json* values = fieldOf(axis, "values");
    if (!values || !values->is_array() || values->empty() || values->size() > kMostAxisValues)
        refuse(where + ".values is not a list of 1 to 1000 values.");
    for (const auto& value : *values)
        result.values.push_back(textOf(value, where + ".values", size_t{100'000}));
    return result;
}

} // namespace

bool isProjectParameter(std::string_view name) {
    const Parameter* parameter = pipelines::findImageParameter(name);
    if (!parameter) return false;
    // Latents and pictures decide the result, though no picture's metadata names their files.
    return parameter->role != ParameterRole::Output || isAssetParameter(name) ||
           name == "latentsIndex";
}

struct ProjectLayout::Batch {
    json settings;                    // the project's, those that it is based on, its own
    std::vector<int64_t> firstOfRows; // task number of each row's first picture
};

ProjectLayout::~ProjectLayout() = default;

ProjectLayout::ProjectLayout(const ordered_json& project) {
    if (!project.is_object()) refuse("The project is not a JSON object.");
    if (const ordered_json* settings = fieldOf(project, "settings"))
        checkParameters(*settings, "settings");
    if (const ordered_json* output = fieldOf(project, "output")) {
        if (!output->is_object()) refuse("output is not an object.");
        const std::string format = optionalText(*output, "format", "output", kLongestName);
        if (!format.empty()) m_format = format;
        if (const auto known = imageFormatFromName(m_format); !known)
            refuse("output.format: " + known.error().message());
    }
    readModels(project);
    readPrompts(project);
    readShots(project);
    readBatches(project);
}

void ProjectLayout::checkParameters(const ordered_json& object, const std::string& where) {
    if (!object.is_object()) refuse(where + " is not an object.");
    for (const auto& [name, value] : object.items()) {
        if (isProjectParameter(name)) {
            checkPath(name, value, where);
            continue;
        }
        const std::string warning =
            pipelines::findImageParameter(name)
                ? "'" + name + "' belongs to a single run and is passed over."
                : "This version knows no parameter '" + name.substr(0, 80) +
                      "': tasks that ask for it cannot be made.";
        if (std::ranges::find(m_warnings, warning) == m_warnings.end())
            m_warnings.push_back(warning);
    }
    try {
        pipelines::ImageRequest request = pipelines::imageRequestFromJson(knownParameters(object));
        for (const CompanionPlace& place : companionPlaces(request))
            if (const std::string name = place.name();
                name.find('/') != std::string::npos && !isAssetReference(name))
                throw Error(ErrorCode::BadFile,
                            std::string(companionKindName(place.kind)) +
                                " is a path; a project calls its files by name or as assets.");
    } catch (const Error& error) {
        throw Error(ErrorCode::BadFile, where + "." + error.message(), error.advice());
    }
}

void ProjectLayout::readModels(const ordered_json& project) {
    const ordered_json& list = listOf(project, "models");
    std::set<std::string> names;
    for (size_t i = 0; i < list.size(); ++i) {
        const std::string where = at("models", i);
        ProjectModel model{nameOf(list[i], where), optionalText(list[i], "hash", where, 71)};
        if (!model.hash.empty() && !isSha256Name(model.hash))
            refuse(where + ".hash is not a SHA-256.");
        if (!names.insert(model.name).second) refuse(where + ".name is there twice.");
        m_models.push_back(std::move(model));
    }
}

void ProjectLayout::readPrompts(const ordered_json& project) {
    const ordered_json& list = listOf(project, "prompts");
    for (size_t i = 0; i < list.size(); ++i) {
        const std::string where = at("prompts", i);
        const std::string name = nameOf(list[i], where);
        ordered_json texts = ordered_json::object();
        for (const char* field : {"prompt", "negative"})
            if (const ordered_json* text = fieldOf(list[i], field)) texts[field] = *text;
        checkParameters(texts, where);
        const auto [unused, isNew] = m_prompts.try_emplace(
            name, texts.value("prompt", std::string()), texts.value("negative", std::string()));
        if (!isNew) refuse(where + ".name is there twice.");
    }
}

void ProjectLayout::readShots(const ordered_json& project) {
    const ordered_json& list = listOf(project, "shots");
    std::vector<std::pair<std::string, std::string>> references;
    for (size_t i = 0; i < list.size(); ++i)
        references.emplace_back(nameOf(list[i], at("shots", i)),
                                optionalText(list[i], "follows", at("shots", i), kLongestName));
    if (const std::string problem = referenceProblem(references); !problem.empty())
        refuse("shots: " + problem + ".");
    if (!list.empty())
        m_warnings.push_back("Shots are kept, but this version does not render them.");
}

void ProjectLayout::readBatches(const ordered_json& project) {
    const ordered_json& list = listOf(project, "batches");
    std::vector<std::pair<std::string, std::string>> references;
    std::map<std::string, size_t> places;
    for (size_t i = 0; i < list.size(); ++i) {
        const std::string where = at("batches", i);
        references.emplace_back(nameOf(list[i], where),
                                optionalText(list[i], "basedOn", where, kLongestName));
        places[references.back().first] = i;
        if (const ordered_json* settings = fieldOf(list[i], "settings"))
            checkParameters(*settings, where + ".settings");
    }
    if (const std::string problem = referenceProblem(references); !problem.empty())
        refuse("batches: " + problem + ".");
    const ordered_json* common = fieldOf(project, "settings");
    const json usual = common ? knownParameters(*common) : json::object();
    std::vector<json> settingsOf(list.size()); // null: not known yet
    for (size_t i = 0; i < list.size(); ++i) {
        // What it is based on, up to one whose settings are known: chains are long at times.
        std::vector<size_t> chain{i};
        while (settingsOf[chain.back()].is_null() && !references[chain.back()].second.empty())
            chain.push_back(places.at(references[chain.back()].second));
        const json* base = &usual;
        for (auto link = chain.rbegin(); link != chain.rend(); base = &settingsOf[*link], ++link) {
            if (!settingsOf[*link].is_null()) continue;
            settingsOf[*link] = *base;
            if (const ordered_json* own = fieldOf(list[*link], "settings"))
                settingsOf[*link].update(knownParameters(*own));
        }
        auto place = std::make_unique<Batch>();
        place->settings = settingsOf[i];
        m_batches.push_back({references[i].first, 0, m_tasks, 0, {}});
        readBatch(list[i], at("batches", i), *place);
        m_places.push_back(std::move(place));
    }
}

void ProjectLayout::readBatch(const ordered_json& batch, const std::string& where, Batch& place) {
    ProjectBatch& info = m_batches.back();
    if (const ordered_json* grid = fieldOf(batch, "grid")) {
        const ordered_json* axes = grid->is_object() ? fieldOf(*grid, "axes") : nullptr;
        if (!axes || !axes->is_array() || axes->empty() || axes->size() > kMostAxes)
            refuse(where + ".grid.axes is not a list of one to three axes.");
        for (size_t i = 0; i < axes->size(); ++i)
            info.grid.push_back(axisOf((*axes)[i], where + ".grid." + at("axes", i)));
    }
    const ordered_json* rows = fieldOf(batch, "rows");
    if (!rows) return;
    if (!rows->is_array()) refuse(where + ".rows is not a list.");
    for (size_t i = 0; i < rows->size(); ++i)
        readRow((*rows)[i], where + "." + at("rows", i), place);
    info.rows = static_cast<int64_t>(rows->size());
    info.tasks = m_tasks - info.firstTask;
}

void ProjectLayout::readRow(const ordered_json& row, const std::string& where, Batch& place) {
    if (!row.is_object()) refuse(where + " is not an object.");
    if (const ordered_json* request = fieldOf(row, "request"))
        checkParameters(*request, where + ".request");
    const std::string use = optionalText(row, "use", where, kLongestName);
    if (!use.empty() && !m_prompts.contains(use))
        refuse(where + ".use: there is no prompt '" + use + "'.");
    pipelines::ImageRequest request;
    try {
        request = pipelines::imageRequestFromJson(merged(place, row));
    } catch (const Error& error) {
        throw Error(ErrorCode::BadFile, where + ": " + error.message(), error.advice());
    }
    place.firstOfRows.push_back(m_tasks);
    m_tasks += request.count;
    if (m_tasks > kMostProjectTasks)
        refuse("There are more than " + std::to_string(kMostProjectTasks) + " tasks.");
}

json ProjectLayout::merged(const Batch& batch, const ordered_json& row) const {
    json request = batch.settings;
    if (const ordered_json* use = fieldOf(row, "use")) {
        const auto prompt = m_prompts.find(use->get_ref<const std::string&>());
        if (prompt != m_prompts.end()) {
            request["prompt"] = prompt->second.first;
            if (!prompt->second.second.empty()) request["negative"] = prompt->second.second;
        }
    }
    if (const ordered_json* own = fieldOf(row, "request")) request.update(knownParameters(*own));
    return request;
}

ProjectTask ProjectLayout::task(const ordered_json& project, int64_t number) const {
    const auto after = std::ranges::upper_bound(m_batches, number, {}, &ProjectBatch::firstTask);
    // Batches without tasks begin where the next one does.
    const auto index = static_cast<size_t>(after - m_batches.begin()) - 1;
    const Batch& place = *m_places[index];
    const auto row = std::ranges::upper_bound(place.firstOfRows, number) - 1;
    ProjectTask task;
    task.number = number;
    task.batch = m_batches[index].name;
    task.row = row - place.firstOfRows.begin();
    task.picture = number - *row;
    const ordered_json& stored = project["batches"][index]["rows"][static_cast<size_t>(task.row)];
    if (const ordered_json* own = fieldOf(stored, "request"))
        for (const auto& [name, unused] : own->items())
            if (!pipelines::findImageParameter(name))
                throw Error(ErrorCode::InvalidArgument,
                            "Task " + std::to_string(number) + " asks for '" + name.substr(0, 80) +
                                "', which this version does not know.",
                            "It may come from a newer version of Kinora: update.");
    task.request = pipelines::imageRequestFromJson(merged(place, stored));
    task.request.seed = task.request.seed.value_or(number - task.picture) + task.picture;
    task.request.count = 1;
    return task;
}

} // namespace kinora::core
