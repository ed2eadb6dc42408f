#include "core/project/task_preparer.h"

#include "core/library/companion_files.h"
#include "pipelines/request/input_paths.h"
#include "pipelines/request/parameters.h"

#include <algorithm>

namespace kinora::core {

using pipelines::Parameter;

TaskPreparer::TaskPreparer(const ProjectDocument& project, const ProjectPaths& paths,
                           const ModelLibrary& library,
                           std::vector<std::pair<std::string, std::string>> overrides)
    : m_project(project), m_assets(paths.assets), m_library(library),
      m_overrides(std::move(overrides)) {}

const TaskPreparer::FoundModel& TaskPreparer::model(const std::string& name,
                                                    const CancelToken& cancel) {
    if (const auto known = m_models.find(name); known != m_models.end()) return known->second;
    Result<ModelEntry> entry = m_library.find(name);
    std::string wanted;
    for (const ProjectModel& model : m_project.models())
        if (model.name == (name.empty() && entry ? entry->name : name)) wanted = model.hash;
    FoundModel found;
    if (entry) {
        const Result<std::string> hash = m_library.hash(*entry, cancel);
        if (!hash) throw hash.error();
        found = {entry->name, *hash, name};
    }
    if (!entry && wanted.empty()) throw entry.error();
    if (!wanted.empty() && found.hash != wanted) {
        const Result<ModelEntry> byHash = m_library.findByHash(wanted);
        if (!byHash && !entry) throw entry.error();
        if (!byHash)
            throw Error(ErrorCode::BadFile,
                        "The model " + entry->name +
                            " that is here is not the one that the project was made with.",
                        "Put that one into a folder given with --models (its hash is " + wanted +
                            ").");
        found = {byHash->name, wanted, byHash->path.string()};
    }
    return m_models[name] = std::move(found);
}

std::filesystem::path TaskPreparer::asset(const std::string& reference) {
    std::filesystem::path& path = m_found[reference];
    if (path.empty()) {
        Result<std::filesystem::path> found = m_assets.find(reference);
        if (!found) throw found.error();
        path = *found;
    }
    return path;
}

std::vector<UsedFile> TaskPreparer::findFiles(pipelines::ImageRequest& request,
                                              const CancelToken& cancel) {
    std::vector<UsedFile> files;
    for (const CompanionPlace& place : companionPlaces(request)) {
        const std::string name = place.name();
        Result<std::filesystem::path> path = isAssetReference(name)
                                                 ? Result<std::filesystem::path>(asset(name))
                                                 : m_library.findCompanion(place.kind, name);
        if (!path) throw path.error();
        files.push_back({companionName(*path), fileHash(*path, cancel)});
        place.rename(path->string());
    }
    return files;
}

const std::string& TaskPreparer::fileHash(const std::filesystem::path& file,
                                          const CancelToken& cancel) {
    std::string& known = m_fileHashes[file.string()];
    if (known.empty()) {
        const Result<std::string> hash = m_library.fileHash(file, cancel);
        if (!hash) throw hash.error();
        known = *hash;
    }
    return known;
}

Result<TaskOutput> TaskPreparer::prepare(int64_t number, const CancelToken& cancel) {
    Result<ProjectTask> task = m_project.task(number);
    if (!task) return task.error();
    try {
        TaskOutput output;
        output.request = std::move(task->request);
        for (const auto& [name, text] : m_overrides) {
            const Parameter* parameter = pipelines::findImageParameter(name);
            if (!parameter || name == "count")
                throw Error(ErrorCode::InvalidArgument,
                            "--set: there is nothing called '" + name.substr(0, 80) + "' to set.",
                            "Parameters are the options of kinora image; a task is one picture.");
            pipelines::setFromText(output.request, *parameter, text);
        }
        pipelines::validate(output.request);
        const FoundModel& found = model(output.request.model, cancel);
        output.modelName = found.name;
        output.modelHash = found.hash;
        output.request.model = found.name;
        const pipelines::ImageRequest stated = output.request;
        output.files = findFiles(output.request, cancel);
        output.key = requestKey(stated, found.hash, output.files);
        output.request.model = found.ask;
        for (std::string* input : pipelines::inputPaths(output.request))
            if (isAssetReference(*input)) *input = asset(*input).string();
        const auto hashOf = [&](const std::string& file) {
            return file.empty() ? std::string() : fileHash(file, cancel);
        };
        output.latentsHash = hashOf(output.request.latentsPath);
        output.initHash = hashOf(output.request.initPath);
        output.maskHash = hashOf(output.request.maskPath);
        for (const std::string& picture : output.request.controlImages)
            output.controlHashes.push_back(fileHash(picture, cancel));
        for (const std::string& picture : output.request.adapterImages)
            output.adapterHashes.push_back(fileHash(picture, cancel));
        output.name = taskFileName(number, output.request, m_project.outputFormat());
        return output;
    } catch (const Error& error) {
        return Error(error.code(), "Task " + std::to_string(number) + ": " + error.message(),
                     error.advice());
    }
}

} // namespace kinora::core
