#include "core/engine/worker/shared_checkpoints.h"

#include "core/engine/checkpoint.h"
#include "kernels/base/log.h"

#include <utility>

namespace kinora::core {

SharedCheckpoints::SharedCheckpoints(SharedSegment& segment, const std::filesystem::path& file)
    : m_segment(segment) {
    if (!file.empty()) m_file.emplace(file);
}

Result<std::vector<std::byte>> SharedCheckpoints::latest() {
    // A worker that crashed may have written anywhere: the hash says whether it did.
    for (std::vector<std::byte>& bytes : m_segment.checkpoints())
        if (checkpointFromBytes(bytes)) return std::move(bytes);
    if (m_file) return m_file->latest();
    return std::vector<std::byte>();
}

bool SharedCheckpoints::wants(KeepWhen) {
    return true;
}

void SharedCheckpoints::keep(std::span<const std::byte> bytes, KeepWhen when) {
    const Result<void> kept = m_segment.keepCheckpoint(bytes);
    if (!kept && !std::exchange(m_warned, true))
        logMessage(LogLevel::Warning,
                   "A crash would cost more than a step: " + kept.error().message());
    if (m_file && m_file->wants(when)) m_file->keep(bytes, when);
}

void SharedCheckpoints::clear() {
    m_segment.clearCheckpoints();
    if (m_file) m_file->clear();
}

} // namespace kinora::core
