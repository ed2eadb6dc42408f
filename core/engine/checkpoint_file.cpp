#include "core/engine/checkpoint_file.h"

#include "core/media/input_file.h"
#include "core/media/text_encoding.h"
#include "kernels/base/atomic_file.h"
#include "kernels/base/log.h"

#include <string>
#include <system_error>
#include <utility>

namespace kinora::core {

namespace {

constexpr uint64_t kMostBytes = uint64_t{1} << 30; // far more than any state that was written

void warn(const std::filesystem::path& path, const std::string& what) {
    logMessage(LogLevel::Warning,
               "How far the job is cannot be kept; it goes on. " + what +
                   (what.find(shownPath(path)) == std::string::npos ? " (" + shownPath(path) + ")"
                                                                    : std::string()));
}

} // namespace

CheckpointFile::CheckpointFile(std::filesystem::path path, std::function<Clock::time_point()> now)
    : m_path(std::move(path)), m_now(std::move(now)), m_lastTry(m_now()) {}

Result<std::vector<std::byte>> CheckpointFile::latest() {
    std::error_code error;
    if (!std::filesystem::exists(std::filesystem::symlink_status(m_path, error)))
        return std::vector<std::byte>();
    const Result<InputFile> file = InputFile::open(m_path);
    if (!file)
        return Error(file.error().code(),
                     "what was kept cannot be read: " + file.error().message());
    if (file->size() > kMostBytes)
        return Error(ErrorCode::BadFile, "what was kept is damaged: it is too large");
    std::vector<std::byte> bytes(static_cast<size_t>(file->size()));
    if (!file->read(0, bytes)) return Error(ErrorCode::Io, "what was kept cannot be read");
    return bytes;
}

bool CheckpointFile::wants(KeepWhen when) {
    return when == KeepWhen::Now || m_now() - m_lastTry >= kInterval;
}

void CheckpointFile::keep(std::span<const std::byte> bytes, KeepWhen when) {
    if (!wants(when)) return;
    m_lastTry = m_now(); // a disk that is full is not asked again at every step
    try {
        AtomicFile file(m_path, shownPath(m_path));
        file.write(bytes);
        file.publish(AtomicFile::Replace::Yes);
        m_warned = false;
    } catch (const std::exception& error) {
        if (!std::exchange(m_warned, true)) warn(m_path, error.what());
    }
}

void CheckpointFile::clear() {
    std::error_code error;
    std::filesystem::remove(m_path, error);
    if (error)
        logMessage(LogLevel::Warning,
                   shownPath(m_path) + ": " + error.message() + "; the job is over all the same.");
}

} // namespace kinora::core
