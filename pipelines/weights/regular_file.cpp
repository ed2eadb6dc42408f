#include "pipelines/weights/regular_file.h"

#include "kernels/base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace kinora::pipelines {
namespace {

[[noreturn]] void failToOpen(const std::string& label, int code) {
    if (code == ENOENT || code == ENOTDIR)
        throw Error(ErrorCode::NotFound, label + ": there is no such file.",
                    "Check the path, or fetch the model again.");
    if (code == ELOOP)
        throw Error(ErrorCode::BadFile, label + ": its symbolic links lead in a circle.",
                    "Name the file itself.");
    if (code == ENAMETOOLONG)
        throw Error(ErrorCode::NotFound, label + ": the name is longer than a file's can be.",
                    "Check the path.");
    throw Error(ErrorCode::Io, label + ": cannot be opened: " + std::strerror(code) + ".",
                code == EACCES ? "Check the file's permissions."
                               : "Check the disk, then try again.");
}

} // namespace

RegularFile::RegularFile(const std::filesystem::path& path, std::string label)
    : m_label(std::move(label)) {
    // O_NONBLOCK: a pipe in a model's place must not hang the program.
    m_descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (m_descriptor < 0) failToOpen(m_label, errno);
    struct stat status{};
    const bool known = ::fstat(m_descriptor, &status) == 0;
    if (known && S_ISREG(status.st_mode)) {
        m_sizeBytes = static_cast<uint64_t>(status.st_size);
        return;
    }
    ::close(m_descriptor);
    if (known && S_ISDIR(status.st_mode))
        throw Error(ErrorCode::BadFile, m_label + ": is a folder, not a file.",
                    "Name the file inside it.");
    throw Error(ErrorCode::BadFile, m_label + ": is a pipe or a device, not a file.",
                "Copy it to a disk first.");
}

RegularFile::RegularFile(RegularFile&& other) noexcept
    : m_label(std::move(other.m_label)), m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_sizeBytes(other.m_sizeBytes) {}

RegularFile::~RegularFile() {
    if (m_descriptor >= 0) ::close(m_descriptor);
}

void RegularFile::read(uint64_t offset, std::span<std::byte> bytes) const {
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = ::pread(m_descriptor, bytes.data() + done, bytes.size() - done,
                                      static_cast<off_t>(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            throw Error(ErrorCode::Io, m_label + ": cannot be read: " + std::strerror(errno) + ".",
                        "Check the disk, then try again.");
        if (count == 0)
            throw Error(ErrorCode::Io,
                        m_label + ": ended at byte " + std::to_string(offset + done) +
                            " while it was read.",
                        "Another program may be writing it; try again when it is done.");
        done += static_cast<size_t>(count);
    }
}

std::string readTextFile(const std::filesystem::path& path, const std::string& label,
                         uint64_t limitBytes) {
    const RegularFile file(path, label);
    if (file.sizeBytes() > limitBytes)
        throw Error(ErrorCode::BadFile,
                    label + ": has " + std::to_string(file.sizeBytes()) + " bytes, at most " +
                        std::to_string(limitBytes) + " are read.",
                    "This cannot be the file that it is named for; fetch the model again.");
    std::string text(file.sizeBytes(), '\0');
    file.read(0, std::as_writable_bytes(std::span(text)));
    return text;
}

} // namespace kinora::pipelines
