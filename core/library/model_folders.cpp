#include "core/library/model_folders.h"

#include "core/media/bounded_json.h"
#include "core/media/old_temporaries.h"
#include "core/media/publish_file.h"
#include "core/media/text_encoding.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

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
    return publishFile(std::as_bytes(std::span(text.data(), text.size())), fileIn(dataFolder),
                       Overwrite::Yes);
}

Error damaged(const fs::path& file, const std::string& what) {
    return Error(ErrorCode::BadFile, shownPath(file) + ": " + what + ".",
                 "Mend it, or move it away and add the folders of models anew.");
}

// Empty where there is none.
Result<std::string> textOf(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status) && error != std::errc::permission_denied) return std::string();
    if (!fs::is_regular_file(status))
        return error ? Error(ErrorCode::Io, shownPath(path) + ": " + error.message() + ".",
                             "The data folder must be readable.")
                     : damaged(path, "is not a file");
    if (fs::file_size(path, error) > kMostBytes || error) return damaged(path, "is too long");
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return Error(ErrorCode::Io, shownPath(path) + ": cannot be read.",
                     "The file must be readable for you.");
    return std::string(std::istreambuf_iterator<char>(file), {});
}

// One process at a time changes the list, which is read, changed and written whole. Nothing stays
// of the lock: it is on the data folder itself. Where locks are not to be had it is none.
class ListLock {
  public:
    explicit ListLock(const fs::path& dataFolder)
        : m_descriptor(::open(dataFolder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        constexpr std::chrono::milliseconds kBetweenTries(10);
        for (int left = 300; left > 0 && m_descriptor >= 0; --left) {
            m_isTaken = ::flock(m_descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
            if (!m_isTaken) return;
            std::this_thread::sleep_for(kBetweenTries);
        }
    }
    ~ListLock() {
        if (m_descriptor >= 0) ::close(m_descriptor);
    }
    ListLock(const ListLock&) = delete;
    ListLock& operator=(const ListLock&) = delete;

    bool isTaken() const { return m_isTaken; } // by another, for seconds now

  private:
    int m_descriptor;
    bool m_isTaken = false;
};

// change: of the list, in place; an error leaves the file as it is.
Result<void> changeList(const fs::path& dataFolder,
                        const std::function<Result<void>(std::vector<fs::path>&)>& change) {
    const ListLock lock(dataFolder);
    if (lock.isTaken())
        return Error(ErrorCode::Busy, "Another Kinora is changing the folders of models.",
                     "Try again.");
    Result<std::vector<fs::path>> folders = readModelFolders(dataFolder);
    if (!folders) return folders.error();
    const std::vector<fs::path> before = *folders;
    if (Result<void> changed = change(*folders); !changed) return changed;
    if (*folders == before) return {};
    removeOldTemporaries(dataFolder); // of a process that was killed while it wrote
    return write(dataFolder, *folders);
}

Result<void> checkCanBeAdded(const fs::path& folder, const fs::path& plainFolder) {
    std::error_code error;
    if (!fs::exists(plainFolder, error))
        return Error(ErrorCode::NotFound, shownPath(folder) + ": there is no such folder.",
                     "Check the path.");
    if (!fs::is_directory(plainFolder, error) || plainFolder.native().size() > kLongestPath)
        return Error(ErrorCode::InvalidArgument, shownPath(folder) + ": is not a folder.",
                     "Give the folder that the models lie in.");
    const fs::path real = fs::canonical(plainFolder, error);
    if (real == real.root_path() || isOfSystem(real))
        return Error(ErrorCode::InvalidArgument,
                     shownPath(folder) + (real == real.root_path()
                                              ? ": is everything that this machine has."
                                              : ": is the system's; no models lie there."),
                     "Give the folder that the models lie in.");
    if (repairedUtf8(plainFolder.native()) != plainFolder.native())
        return Error(ErrorCode::InvalidArgument,
                     shownPath(folder) + ": the name is not UTF-8, which is how it is remembered.",
                     "Rename it, or make a link to it and add that.");
    return {};
}

} // namespace

Result<std::vector<fs::path>> readModelFolders(const fs::path& dataFolder) {
    std::vector<fs::path> folders;
    if (dataFolder.empty()) return folders;
    const fs::path path = fileIn(dataFolder);
    const Result<std::string> text = textOf(path);
    if (!text) return text.error();
    if (text->empty()) return folders;
    const Result<nlohmann::json> json = parseBoundedJson(*text);
    if (!json) return damaged(path, json.error().message());
    const auto list = json->is_object() ? json->find("folders") : json->end();
    if (!json->is_object() || list == json->end() || !list->is_array())
        return damaged(path, "\"folders\" is not a list");
    for (const nlohmann::json& entry : *list) {
        if (!entry.is_string() || folders.size() >= kMostFolders) continue;
        const std::string& name = entry.get_ref<const std::string&>();
        if (!name.starts_with('/') || name.size() > kLongestPath ||
            name.find('\0') != std::string::npos)
            continue;
        const fs::path folder = plain(name); // people write the file, too
        if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(folder);
    }
    return folders;
}

std::vector<fs::path> addedModelFolders(const fs::path& dataFolder) {
    Result<std::vector<fs::path>> folders = readModelFolders(dataFolder);
    return folders ? *std::move(folders) : std::vector<fs::path>();
}

Result<void> addModelFolder(const fs::path& dataFolder, const fs::path& folder) {
    const fs::path added = plain(folder);
    if (Result<void> possible = checkCanBeAdded(folder, added); !possible) return possible;
    std::error_code ignored; // what is wrong with the data folder, publishFile says
    fs::create_directories(dataFolder, ignored);
    return changeList(dataFolder, [&](std::vector<fs::path>& folders) -> Result<void> {
        if (std::ranges::find(folders, added) != folders.end()) return {};
        if (folders.size() >= kMostFolders)
            return Error(ErrorCode::InvalidArgument, "There are 100 folders of models already.",
                         "Remove one, or add the folder above several of them.");
        folders.push_back(added);
        return {};
    });
}

Result<void> removeModelFolder(const fs::path& dataFolder, const fs::path& folder) {
    return changeList(dataFolder, [&](std::vector<fs::path>& folders) -> Result<void> {
        if (std::erase(folders, plain(folder)) > 0) return {};
        return Error(ErrorCode::NotFound,
                     shownPath(folder) + ": is not among the folders that were added.",
                     "kinora models folders lists them.");
    });
}

bool isOfSystem(const fs::path& folder) {
    const auto liesIn = [&](std::string_view place) {
        const std::string& name = folder.native();
        return name.starts_with(place) &&
               (name.size() == place.size() || name[place.size()] == '/');
    };
    return liesIn("/proc") || liesIn("/sys") || (liesIn("/dev") && !liesIn("/dev/shm"));
}

bool isBelow(const fs::path& path, const fs::path& folder) {
    const fs::path inner = plain(path), outer = plain(folder);
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
           outer.end();
}

} // namespace kinora::core
