#include "core/engine/worker/runtime_folder.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace kinora::core {

namespace fs = std::filesystem;

Result<fs::path> privateFolder(const fs::path& parent, const std::string& name) {
    const fs::path folder = parent / name;
    const auto refuse = [&](const std::string& why) {
        return Error(ErrorCode::Io,
                     "The folder for worker sockets, " + folder.string() + ", " + why + ".",
                     "Remove it, or set XDG_RUNTIME_DIR to a folder of your own.");
    };
    if (::mkdir(folder.c_str(), S_IRWXU) != 0 && errno != EEXIST)
        return refuse(std::string("cannot be made: ") + std::strerror(errno));
    struct stat status{};
    if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return refuse("is not a folder");
    if (status.st_uid != ::geteuid()) return refuse("belongs to another user");
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) return refuse("is open to other users");
    return folder;
}

namespace {

// A socket's whole path is short: "/kinora/worker-PID-NUMBER" must fit behind the folder.
bool leavesRoomForSockets(std::string_view folder) {
    constexpr size_t kLongestName = std::string_view("/kinora/worker-4194304-1000000000").size();
    return folder.size() + kLongestName < sizeof sockaddr_un{}.sun_path;
}

} // namespace

Result<fs::path> runtimeFolder() {
    const char* variable = std::getenv("XDG_RUNTIME_DIR");
    struct stat status{};
    const bool ours = variable && *variable == '/' && leavesRoomForSockets(variable) &&
                      ::stat(variable, &status) == 0 && S_ISDIR(status.st_mode) &&
                      status.st_uid == ::geteuid();
    if (ours) return privateFolder(variable, "kinora");
    return privateFolder("/tmp", "kinora-" + std::to_string(::geteuid()));
}

void removeStaleSockets(const fs::path& folder) {
    constexpr std::string_view kPrefix = "worker-";
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(kPrefix)) continue;
        pid_t studio = 0;
        std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), studio);
        if (studio > 0 && ::kill(studio, 0) != 0 && errno == ESRCH)
            fs::remove(entry.path(), ignored);
    }
}

} // namespace kinora::core
