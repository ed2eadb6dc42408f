#include "core/project/project_lock.h"

#include "core/media/text_encoding.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;

constexpr auto kBetweenTries = std::chrono::milliseconds(20);

// Saving puts another file under the name: a lock on the old one keeps nobody away.
bool isStillNamed(int descriptor, const fs::path& path) {
    struct stat held{}, named{};
    return ::fstat(descriptor, &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

} // namespace

Result<ProjectLock> ProjectLock::take(const fs::path& project, std::chrono::milliseconds longest) {
    const auto until = std::chrono::steady_clock::now() + longest;
    while (true) {
        const int descriptor = ::open(project.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (descriptor < 0 && errno == ENOENT)
            return Error(ErrorCode::NotFound, shownPath(project) + ": there is no such file.",
                         "Check the name.");
        if (descriptor < 0)
            return Error(ErrorCode::Io, shownPath(project) + ": " + std::strerror(errno) + ".");
        ProjectLock lock(descriptor);
        const bool held = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
        const bool isTaken = !held && (errno == EWOULDBLOCK || errno == EINTR);
        if (!isTaken && (!held || isStillNamed(descriptor, project))) return lock;
        if (std::chrono::steady_clock::now() >= until)
            return Error(ErrorCode::Busy,
                         shownPath(project) + ": another Kinora is changing this project.",
                         "Try again when it is done.");
        std::this_thread::sleep_for(kBetweenTries);
    }
}

ProjectLock::ProjectLock(ProjectLock&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)) {}

ProjectLock::~ProjectLock() {
    if (m_descriptor >= 0) ::close(m_descriptor);
}

} // namespace kinora::core
