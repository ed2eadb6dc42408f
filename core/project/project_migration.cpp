#include "core/project/project_migration.h"

#include <nlohmann/json.hpp>

namespace kinora::core {

std::span<const ProjectMigration> projectMigrations() {
    return {}; // version 1 is the first
}

Result<void> migrateProject(nlohmann::ordered_json& project,
                            std::span<const ProjectMigration> steps) {
    const auto version = project.find("version");
    if (version == project.end() || !version->is_number_integer() || *version < 1)
        return Error(ErrorCode::BadFile, "version is not a whole number from 1 on.");
    const auto newest = static_cast<int64_t>(steps.size()) + 1;
    if (*version > newest) return {};
    try {
        for (auto from = version->get<int64_t>(); from < newest; ++from) {
            steps[static_cast<size_t>(from - 1)](project);
            project["version"] = from + 1;
        }
    } catch (const nlohmann::ordered_json::exception&) {
        return Error(ErrorCode::BadFile,
                     "the project is of an older version and lacks what that version has.");
    }
    return {};
}

} // namespace kinora::core
