#include "core/library/model_folders.h"

#include "core/media/bounded_json.h"
#include "core/media/publish_file.h"
#include "core/media/text_encoding.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMostFolders = 100, kLongestPath = 4096, kMostBytes = 1U << 20;

fs::path fileIn(const fs::path& dataFolder) {
    return dataFolder / "model-folders.json";
}

// As it is compared and kept: absolute, without a slash at the end.
fs::path plain(const fs::path& folder) {
    std::error_code error;
    fs::path whole = fs::absolute(folder, error).lexically_normal();
    if (error) whole = folder;
    return whole.has_filename() || whole == whole.root_path() ? whole : whole.parent_path();
}

Result<void> write(const fs::path& dataFolder, const std::vector<fs::path>& folders) {
    nlohmann::json list = nlohmann::json::array();
    for (const fs::path& folder : folders) list.push_back(folder.string());
    const std::string text = nlohmann::json{{"folders", std::move(list)}}.dump(1) + "\n";
    std::error_code ignored; // what is wrong with the folder, publishFile says
    fs::create_directories(dataFolder, ignored);
    return publishFile(std::as_bytes(std::span(text.data(), text.size())), fileIn(dataFolder),
                       Overwrite::Yes);
}

} // namespace

std::vector<fs::path> addedModelFolders(const fs::path& dataFolder) {
    std::vector<fs::path> folders;
    std::error_code error;
    const fs::path path = fileIn(dataFolder);
    if (dataFolder.empty() || !fs::is_regular_file(path, error)) return folders;
    if (fs::file_size(path, error) > kMostBytes || error) return folders;
    std::ifstream file(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const Result<nlohmann::json> json = parseBoundedJson(text);
    if (!json || !json->is_object()) return folders;
    const auto list = json->find("folders");
    if (list == json->end() || !list->is_array()) return folders;
    for (const nlohmann::json& entry : *list) {
        if (!entry.is_string() || folders.size() >= kMostFolders) continue;
        const fs::path folder = entry.get<std::string>();
        const bool isNew = std::ranges::find(folders, folder) == folders.end();
        const std::string& name = folder.native();
        if (isNew && folder.is_absolute() && name.size() <= kLongestPath &&
            name.find('\0') == std::string::npos)
            folders.push_back(folder);
    }
    return folders;
}

Result<void> addModelFolder(const fs::path& dataFolder, const fs::path& folder) {
    std::error_code error;
    const fs::path added = plain(folder);
    if (!fs::exists(added, error))
        return Error(ErrorCode::NotFound, shownPath(folder) + ": there is no such folder.",
                     "Check the path.");
    if (!fs::is_directory(added, error) || added.native().size() > kLongestPath)
        return Error(ErrorCode::InvalidArgument, shownPath(folder) + ": is not a folder.",
                     "Give the folder that the models lie in.");
    if (repairedUtf8(added.native()) != added.native())
        return Error(ErrorCode::InvalidArgument,
                     shownPath(folder) + ": the name is not UTF-8, which is how it is remembered.",
                     "Rename it, or make a link to it and add that.");
    std::vector<fs::path> folders = addedModelFolders(dataFolder);
    if (std::ranges::find(folders, added) != folders.end()) return {};
    if (folders.size() >= kMostFolders)
        return Error(ErrorCode::InvalidArgument, "There are 100 folders of models already.",
                     "Remove one, or add the folder above several of them.");
    folders.push_back(added);
    return write(dataFolder, folders);
}

Result<void> removeModelFolder(const fs::path& dataFolder, const fs::path& folder) {
    std::vector<fs::path> folders = addedModelFolders(dataFolder);
    if (std::erase(folders, plain(folder)) == 0)
        return Error(ErrorCode::NotFound,
                     shownPath(folder) + ": is not among the folders that were added.",
                     "kinora models folders lists them.");
    return write(dataFolder, folders);
}

bool isBelow(const fs::path& path, const fs::path& folder) {
    const fs::path inner = plain(path), outer = plain(folder);
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
           outer.end();
}

} // namespace kinora::core
