#pragma once
// A worker's checkpoints: after every step in the segment that the studio holds, from time to time
// in a file too. Whatever kills the worker, the next one goes on from the segment; the file is for
// the day when the studio is gone as well.

#include "core/engine/checkpoint_file.h"
#include "core/engine/checkpoint_store.h"
#include "core/engine/worker/shared_segment.h"

#include <filesystem>
#include <optional>

namespace kinora::core {

class SharedCheckpoints final : public CheckpointStore {
  public:
    // file: empty: none. Borrows the segment.
    SharedCheckpoints(SharedSegment& segment, const std::filesystem::path& file);

    // The newest of the segment that is whole, else the file's.
    Result<std::vector<std::byte>> latest() override;
    bool wants(KeepWhen when) override;
    void keep(std::span<const std::byte> bytes, KeepWhen when) override;
    void clear() override;

  private:
    SharedSegment& m_segment;
    std::optional<CheckpointFile> m_file;
    bool m_warned = false;
};

} // namespace kinora::core
