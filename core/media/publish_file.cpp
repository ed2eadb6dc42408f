#include "core/media/publish_file.h"

#include "core/media/text_encoding.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

Error writeError(int error, const fs::path& path) {
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return Error(ErrorCode::DiskFull, shownPath(path) + ": " + std::strerror(error) + ".",
                     "Make room on that disk, or choose another folder.");
    case ENOENT:
    case ENOTDIR:
        return Error(ErrorCode::Io,
                     shownPath(path) + ": the folder " + shownPath(path.parent_path()) +
                         " does not exist.",
                     "Make it, or choose another.");
    default:
        return Error(ErrorCode::Io, shownPath(path) + ": " + std::strerror(error) + ".",
                     "Choose a folder that can be written to.");
    }
}

Error existsError(const fs::path& path) {
    return Error(ErrorCode::InvalidArgument, shownPath(path) + ": there is a file of that name.",
                 "Choose another name, or ask to overwrite.");
}

fs::path folderOf(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// A hidden file that is removed unless it is published.
class Temporary {
  public:
    explicit Temporary(const fs::path& folder) {
        std::random_device random;
        for (int attempt = 0; attempt < 100 && m_descriptor < 0; ++attempt) {
            char name[40];
            std::snprintf(name, sizeof name, ".kinora-%08x%08x.tmp", random(), random());
            m_path = folder / name;
            m_descriptor =
                ::open(m_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
            if (m_descriptor < 0 && errno != EEXIST) break;
        }
        m_error = m_descriptor < 0 ? errno : 0;
    }
    ~Temporary() {
        if (m_descriptor >= 0) close(m_descriptor);
        if (m_mustRemove && m_error == 0) unlink(m_path.c_str());
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;

    int openError() const { return m_error; }
    const fs::path& path() const { return m_path; }
    void wasMoved() { m_mustRemove = false; }

    // 0, or errno.
    int fill(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(m_descriptor, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return errno;
            bytes = bytes.subspan(static_cast<size_t>(written));
        }
        if (fsync(m_descriptor) != 0 && errno != EINVAL) return errno;
        // Network file systems report a full disk here.
        return close(std::exchange(m_descriptor, -1)) != 0 ? errno : 0;
    }

  private:
    fs::path m_path;
    int m_descriptor = -1;
    int m_error = 0;
    bool m_mustRemove = true;
};

// Moves without replacing. 0, or errno; EEXIST where there is a file.
int moveToFreeName(Temporary& temporary, const fs::path& path) {
    if (renameat2(AT_FDCWD, temporary.path().c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) ==
        0) {
        temporary.wasMoved();
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // The file system does not know that call; a link refuses an existing name as well.
    if (link(temporary.path().c_str(), path.c_str()) == 0) return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
    // Nor links (FAT): an exclusive, empty file holds the name.
    const int holder = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (holder < 0) return errno;
    close(holder);
    if (rename(temporary.path().c_str(), path.c_str()) != 0) {
        const int error = errno;
        unlink(path.c_str());
        return error;
    }
    temporary.wasMoved();
    return 0;
}

int moveOver(Temporary& temporary, const fs::path& path) {
    if (rename(temporary.path().c_str(), path.c_str()) != 0) return errno;
    temporary.wasMoved();
    return 0;
}

// The name itself reaches the disk with its folder. Best effort: some file systems refuse.
void flushFolder(const fs::path& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    (void)fsync(descriptor);
    close(descriptor);
}

} // namespace

Result<void> checkCanPublish(const fs::path& path, Overwrite overwrite) {
    if (!path.has_filename()) {
        return Error(ErrorCode::InvalidArgument, shownPath(path) + ": this names no file.");
    }
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0) return {};
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
        return Error(ErrorCode::InvalidArgument,
                     shownPath(path) + ": there is a folder or a device of that name.",
                     "Choose another name.");
    }
    if (overwrite == Overwrite::No) return existsError(path);
    return {};
}

Result<void> publishFile(std::span<const std::byte> bytes, const fs::path& path,
                         Overwrite overwrite) {
    if (Result<void> possible = checkCanPublish(path, overwrite); !possible) return possible;
    Temporary temporary(folderOf(path));
    if (temporary.openError() != 0) return writeError(temporary.openError(), path);
    if (const int error = temporary.fill(bytes); error != 0) return writeError(error, path);
    const int error =
        overwrite == Overwrite::Yes ? moveOver(temporary, path) : moveToFreeName(temporary, path);
    if (error == EEXIST) return existsError(path);
    if (error != 0) return writeError(error, path);
    flushFolder(folderOf(path));
    return {};
}

} // namespace kinora::core
