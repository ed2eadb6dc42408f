#include "core/project/project_paths.h"

namespace kinora::core {

ProjectPaths projectPaths(const std::filesystem::path& project) {
    const std::filesystem::path folder = project.parent_path();
    const std::string stem = project.stem().string();
    return {.project = project,
            .autosave = folder / (project.filename().string() + ".autosave"),
            .assets = folder / (stem + ".assets"),
            .history = folder / (stem + ".history"),
            .results = folder / (stem + ".results")};
}

} // namespace kinora::core
