#include "kernels/base/atomic_file.h"

#include "kernels/base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <unistd.h>
#include <utility>

namespace kinora {

namespace fs = std::filesystem;

namespace {

fs::path folderOf(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// The name itself reaches the disk with its folder. Best effort: some file systems refuse.
void flushFolder(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    (void)fsync(descriptor);
    close(descriptor);
}

} // namespace

AtomicFile::AtomicFile(const fs::path& path, std::string shown)
    : m_path(path), m_shown(std::move(shown)) {
    std::random_device random;
    for (int attempt = 0; attempt < 100 && m_descriptor < 0; ++attempt) {
        char name[40];
        std::snprintf(name, sizeof name, ".kinora-%08x%08x.tmp", random(), random());
        m_temporary = folderOf(path) / name;
        m_descriptor =
            ::open(m_temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (m_descriptor < 0 && errno != EEXIST) break;
    }
    if (m_descriptor < 0) fail(errno);
}

AtomicFile::~AtomicFile() {
    if (m_descriptor >= 0) close(m_descriptor);
    if (m_mustRemove) unlink(m_temporary.c_str());
}

void AtomicFile::fail(int error) const {
    const std::string what = m_shown + ": " + std::strerror(error) + ".";
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        throw Error(ErrorCode::DiskFull, what, "Make room on that disk, or choose another folder.");
    case ENOENT:
    case ENOTDIR:
        throw Error(ErrorCode::Io,
                    m_shown + ": the folder " + folderOf(m_shown).string() + " does not exist.",
                    "Make it, or choose another.");
    case EEXIST:
        throw Error(ErrorCode::InvalidArgument, m_shown + ": there is a file of that name.",
                    "Choose another name, or ask to overwrite.");
    default: throw Error(ErrorCode::Io, what, "Choose a folder that can be written to.");
    }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(errno);
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
}

void AtomicFile::publish(Replace replace) {
    if (fsync(m_descriptor) != 0 && errno != EINVAL) fail(errno);
    // Network file systems report a full disk here.
    if (close(std::exchange(m_descriptor, -1)) != 0) fail(errno);
    const int error = replace == Replace::Yes ? moveOver() : moveToFreeName();
    if (error != 0) fail(error);
    flushFolder(folderOf(m_path));
}

int AtomicFile::moveToFreeName() {
    if (renameat2(AT_FDCWD, m_temporary.c_str(), AT_FDCWD, m_path.c_str(), RENAME_NOREPLACE) == 0) {
        m_mustRemove = false;
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // The file system does not know that call; a link refuses an existing name as well.
    if (link(m_temporary.c_str(), m_path.c_str()) == 0) return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
    // Nor links (FAT): an exclusive, empty file holds the name.
    const int holder = ::open(m_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (holder < 0) return errno;
    close(holder);
    const int error = moveOver();
    if (error != 0) unlink(m_path.c_str());
    return error;
}

int AtomicFile::moveOver() {
    if (rename(m_temporary.c_str(), m_path.c_str()) != 0) return errno;
    m_mustRemove = false;
    return 0;
}

} // namespace kinora
