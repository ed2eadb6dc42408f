#include "kernels/base/atomic_file.h"

#include "kernels/base/disk_space.h"
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

int createExclusively(const fs::path& path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
}

[[noreturn]] void fail(int error, const std::string& shown) {
    const std::string what = shown + ": " + std::strerror(error) + ".";
    if (isDiskFull(error))
        throw Error(ErrorCode::DiskFull, what, "Make room on that disk, or choose another folder.");
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        throw Error(ErrorCode::Io,
                    shown + ": the folder " + folderOf(shown).string() + " does not exist.",
                    "Make it, or choose another.");
    case EEXIST:
        throw Error(ErrorCode::InvalidArgument, shown + ": there is a file of that name.",
                    "Choose another name, or ask to overwrite.");
    default: throw Error(ErrorCode::Io, what, "Choose a folder that can be written to.");
    }
}

// 0, or errno.
int moveOver(const fs::path& temporary, const fs::path& path) {
    return rename(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
}

// 0, or errno; EEXIST where there is a file.
int moveToFreeName(const fs::path& temporary, const fs::path& path) {
    if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // The file system does not know that call; a link refuses an existing name as well.
    if (link(temporary.c_str(), path.c_str()) == 0) {
        unlink(temporary.c_str());
        return 0;
    }
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
    // Nor links (FAT): an exclusive, empty file holds the name.
    const int holder = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (holder < 0) return errno;
    close(holder);
    const int error = moveOver(temporary, path);
    if (error != 0) unlink(path.c_str());
    return error;
}

} // namespace

AtomicFile::AtomicFile(const fs::path& path, std::string shown)
    : m_path(path), m_shown(std::move(shown)) {
    std::random_device random;
    for (int attempt = 0; attempt < 100 && m_descriptor < 0; ++attempt) {
        char name[40];
        std::snprintf(name, sizeof name, ".kinora-%08x%08x.tmp", random(), random());
        m_temporary = folderOf(path) / name;
        m_descriptor = createExclusively(m_temporary);
        if (m_descriptor < 0 && errno != EEXIST) break;
    }
    if (m_descriptor < 0) fail(errno, m_shown);
}

AtomicFile::AtomicFile(const fs::path& path, const fs::path& temporary, std::string shown)
    : m_path(path), m_temporary(temporary), m_shown(std::move(shown)) {
    unlink(m_temporary.c_str());
    m_descriptor = createExclusively(m_temporary);
    if (m_descriptor < 0) fail(errno, m_shown);
}

AtomicFile::~AtomicFile() {
    if (m_descriptor >= 0) close(m_descriptor);
    if (m_mustRemove) unlink(m_temporary.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(errno, m_shown);
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
}

void AtomicFile::flush() {
    if (fsync(m_descriptor) != 0 && errno != EINVAL) fail(errno, m_shown);
    // Network file systems report a full disk here.
    if (close(std::exchange(m_descriptor, -1)) != 0) fail(errno, m_shown);
}

void AtomicFile::publish(Replace replace) {
    flush();
    moveIntoPlace(m_temporary, m_path, m_shown, replace);
    m_mustRemove = false;
}

void AtomicFile::leaveBeside() {
    flush();
    m_mustRemove = false;
}

void moveIntoPlace(const fs::path& temporary, const fs::path& path, const std::string& shown,
                   AtomicFile::Replace replace) {
    const int error = replace == AtomicFile::Replace::Yes ? moveOver(temporary, path)
                                                          : moveToFreeName(temporary, path);
    if (error != 0) fail(error, shown);
    flushFolder(folderOf(path));
}

} // namespace kinora
