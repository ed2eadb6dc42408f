#include "core/media/publish_file.h"

#include "core/media/text_encoding.h"
#include "kernels/base/atomic_file.h"

#include <sys/stat.h>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

Error existsError(const fs::path& path) {
    return Error(ErrorCode::InvalidArgument, shownPath(path) + ": there is a file of that name.",
                 "Choose another name, or ask to overwrite.");
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
    try {
        AtomicFile file(path, shownPath(path));
        file.write(bytes);
        file.publish(overwrite == Overwrite::Yes ? AtomicFile::Replace::Yes
                                                 : AtomicFile::Replace::No);
        return {};
    } catch (const Error& error) {
        return error;
    }
}

} // namespace kinora::core
