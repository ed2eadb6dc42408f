#pragma once
// What lies beside "name.kinora", all named after it, so that a project moves as a folder.

#include <filesystem>

namespace kinora::core {

struct ProjectPaths {
    std::filesystem::path project;  // name.kinora
    std::filesystem::path autosave; // name.kinora.autosave
    std::filesystem::path assets;   // name.assets/
    std::filesystem::path history;  // name.history
    std::filesystem::path results;  // name.results/
};

ProjectPaths projectPaths(const std::filesystem::path& project);

} // namespace kinora::core
