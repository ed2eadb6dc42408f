#include "core/queue/queue_folder.h"

#include "core/media/text_encoding.h"
#include "kernels/base/disk_space.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

// From linux/magic.h and the file systems' own sources.
constexpr std::array<unsigned long, 13> kNetworkFileSystems{
    0x6969,     // NFS
    0x517b,     // SMB
    0xff534d42, // CIFS
    0xfe534d42, // SMB2
    0x00c36400, // Ceph
    0x5346414f, // AFS
    0x6b414653, // the kernel's AFS
    0x73757245, // Coda
    0x01021997, // 9P
    0x0bd00bd0, // Lustre
    0x47504653, // GPFS
    0x01161970, // GFS2
    0x7461636f, // OCFS2
};

Error folderError(const fs::path& path, int error) {
    const bool full = isDiskFull(error);
    return Error(full ? ErrorCode::DiskFull : ErrorCode::Io,
                 shownPath(path) + ": the queue's folder cannot be used: " + std::strerror(error) +
                     ".",
                 full ? "Make room on that disk." : "Give another folder with --data.");
}

// The first bytes of the lock's file; 0 where they are no number.
int processIdIn(int descriptor) {
    std::array<char, 16> text{};
    const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
    int id = 0;
    if (size > 0) std::from_chars(text.data(), text.data() + size, id);
    return id;
}

// 0, or errno. Who only asks whether there is an owner holds the lock for a moment.
int lockPatiently(int descriptor) {
    constexpr int kTries = 10;
    constexpr auto kBetween = std::chrono::milliseconds(10);
    for (int left = kTries; ::flock(descriptor, LOCK_EX | LOCK_NB) != 0; --left) {
        if (errno != EWOULDBLOCK || left == 0) return errno;
        std::this_thread::sleep_for(kBetween);
    }
    return 0;
}

} // namespace

std::string checkpointName(int64_t job, int64_t revision) {
    return std::to_string(job) + "-" + std::to_string(revision);
}

fs::path QueueFolder::checkpoint(int64_t job, int64_t revision) const {
    return checkpoints() / (checkpointName(job, revision) + ".checkpoint");
}

bool isNetworkFileSystem(long type) {
    // Some kernels have the field signed and 32 bits wide.
    return std::ranges::find(kNetworkFileSystems, static_cast<unsigned long>(type) &
                                                      0xffffffffUL) != kNetworkFileSystems.end();
}

void makeQueueFolder(const QueueFolder& folder) {
    std::error_code error;
    for (const fs::path& path : {folder.path, folder.checkpoints()}) {
        const bool made = fs::create_directories(path, error);
        if (error) throw folderError(path, error.value());
        if (made && ::chmod(path.c_str(), 0700) != 0) throw folderError(path, errno);
    }
    struct statfs facts{};
    if (::statfs(folder.path.c_str(), &facts) != 0) throw folderError(folder.path, errno);
    if (isNetworkFileSystem(facts.f_type))
        throw Error(
            ErrorCode::Unsupported,
            shownPath(folder.path) + ": this folder is on a network, where a queue is not "
                                     "safe.",
            "Give a folder on a disk of this machine with --data. kinora render shares work "
            "between machines.");
}

Result<OwnerLock> OwnerLock::take(const QueueFolder& folder) {
    const fs::path path = folder.lock();
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return folderError(path, errno);
    OwnerLock lock(descriptor);
    if (const int error = lockPatiently(descriptor); error != 0) {
        if (error != EWOULDBLOCK) return folderError(path, error);
        return Error(ErrorCode::Busy,
                     "Another Kinora (process " + std::to_string(processIdIn(descriptor)) +
                         ") works through this queue already.",
                     "kinora queue list shows how far it is.");
    }
    // For people and messages alone: who owns the queue is decided by the lock.
    const std::string id = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor, 0) != 0 ||
        ::pwrite(descriptor, id.data(), id.size(), 0) != static_cast<ssize_t>(id.size()))
        return folderError(path, errno);
    return lock;
}

int OwnerLock::ownerOf(const QueueFolder& folder) {
    const int descriptor = ::open(folder.lock().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) return 0;
    int owner = 0;
    if (::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        owner = std::max(processIdIn(descriptor), 1);
    ::close(descriptor);
    return owner;
}

OwnerLock::OwnerLock(OwnerLock&& other) noexcept
    : m_descriptor(std::exchange(other.m_descriptor, -1)) {}

OwnerLock::~OwnerLock() {
    if (m_descriptor >= 0) ::close(m_descriptor);
}

} // namespace kinora::core
