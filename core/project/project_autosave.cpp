#include "core/project/project_autosave.h"

#include <nlohmann/json.hpp>

namespace kinora::core {

Result<void> writeAutosave(const ProjectPaths& paths, const ProjectDocument& project) {
    return project.save(paths.autosave, ProjectDocument::Overwrite::Yes);
}

std::optional<RecoverableProject> recoverableProject(const ProjectPaths& paths) {
    Result<ProjectDocument> kept = ProjectDocument::load(paths.autosave);
    if (!kept) return std::nullopt;
    const Result<ProjectDocument> saved = ProjectDocument::load(paths.project);
    if (saved && saved->json() == kept->json()) return std::nullopt;
    std::error_code ignored;
    const auto when = std::filesystem::last_write_time(paths.autosave, ignored);
    return RecoverableProject{*std::move(kept), when};
}

void discardAutosave(const ProjectPaths& paths) {
    std::error_code ignored;
    std::filesystem::remove(paths.autosave, ignored);
}

} // namespace kinora::core
