#include "core/library/file_stamp.h"

#include <ctime>
#include <sys/stat.h>

namespace kinora::core {

std::string fileStamp(const struct stat& status) {
    return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) + ":" +
           std::to_string(status.st_size) + ":" + std::to_string(status.st_mtim.tv_sec) + "." +
           std::to_string(status.st_mtim.tv_nsec);
}

std::string fileStamp(const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? fileStamp(status) : std::string();
}

bool isSettled(const struct stat& status) {
    constexpr time_t kLongestStepSeconds = 2;
    return status.st_mtim.tv_sec < std::time(nullptr) - kLongestStepSeconds;
}

bool isSettled(const std::filesystem::path& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && isSettled(status);
}

} // namespace kinora::core
