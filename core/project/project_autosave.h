#pragma once
// What was changed and not saved, kept beside the project: name.kinora.autosave. It goes when the
// project is saved; where the program ended before, it is offered at the next start.
//
//     if (auto kept = recoverableProject(paths)) ask(kept->savedAt) ? use(kept->project) : ...;

#include "core/project/project_document.h"
#include "core/project/project_paths.h"
#include "kernels/base/result.h"

#include <chrono>
#include <filesystem>
#include <optional>

namespace kinora::core {

struct RecoverableProject {
    ProjectDocument project;
    std::filesystem::file_time_type savedAt;
};

// In one step; replaces the one before. Errors as publishFile.
Result<void> writeAutosave(const ProjectPaths& paths, const ProjectDocument& project);
// Nothing where there is none, where it cannot be read, or where it says what the project says.
std::optional<RecoverableProject> recoverableProject(const ProjectPaths& paths);
// After the project was saved, or when its owner does not want it.
void discardAutosave(const ProjectPaths& paths);

} // namespace kinora::core
