#pragma once
// From a task of a project to a request that an engine can take: its model found and known by its
// hash, its files found, and what the person set for this run alone.

#include "core/library/model_library.h"
#include "core/project/asset_store.h"
#include "core/project/project_document.h"
#include "core/project/project_paths.h"
#include "core/project/task_output.h"
#include "kernels/base/cancel_token.h"
#include "kernels/base/result.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

class TaskPreparer {
  public:
    // overrides: parameter and text, over what every task asks for. All must outlive it.
    TaskPreparer(const ProjectDocument& project, const ProjectPaths& paths,
                 const ModelLibrary& library,
                 std::vector<std::pair<std::string, std::string>> overrides);

    // Errors: NotFound (a model or a file is not here), BadFile (the model of that name is another
    // than the project was made with), InvalidArgument. The first use of a model reads it whole
    // for its hash, where that is not known yet. Throws Cancelled.
    Result<TaskOutput> prepare(int64_t number, const CancelToken& cancel = {});

  private:
    struct FoundModel {
        std::string name, hash;
        std::string ask; // what a request calls it: the name, or its path
    };
    const FoundModel& model(const std::string& name, const CancelToken& cancel);
    std::filesystem::path asset(const std::string& reference);
    // Finds the LoRAs of the request and calls them by their paths.
    std::vector<UsedFile> findFiles(pipelines::ImageRequest& request, const CancelToken& cancel);
    const std::string& fileHash(const std::filesystem::path& file, const CancelToken& cancel);

    const ProjectDocument& m_project;
    AssetStore m_assets;
    const ModelLibrary& m_library;
    std::vector<std::pair<std::string, std::string>> m_overrides;
    std::map<std::string, FoundModel> m_models;
    std::map<std::string, std::string> m_fileHashes;
    std::map<std::string, std::filesystem::path> m_found; // assets that were checked
};

} // namespace kinora::core
