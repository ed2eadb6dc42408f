#include "kernels/base/disk_space.h"

#include <cerrno>
#include <sys/statvfs.h>

namespace kinora {

bool isDiskFull(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

std::optional<uint64_t> freeDiskBytes(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::path above = std::filesystem::absolute(folder.empty() ? "." : folder, error);
    struct statvfs facts{};
    while (::statvfs(above.c_str(), &facts) != 0) {
        if (!above.has_relative_path()) return std::nullopt;
        above = above.parent_path();
    }
    return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
}

} // namespace kinora
