#pragma once
// Projects of older versions, brought up to this one step by step.

#include "kernels/base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <span>

namespace kinora::core {

// Turns version n + 1 (its place in the list is n) into the next.
using ProjectMigration = void (*)(nlohmann::ordered_json& project);

std::span<const ProjectMigration> projectMigrations();

// Sets "version" to one more than the number of steps. Error{BadFile}: the version is none, or a
// step did not find what that version always has. A newer version is left as it is.
Result<void> migrateProject(nlohmann::ordered_json& project,
                            std::span<const ProjectMigration> steps);

} // namespace kinora::core
